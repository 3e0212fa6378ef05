export async function waitForEntry(_env: unknown, _after: number, ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, Math.min(ms, 1_000)));
}
