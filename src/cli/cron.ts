import { CRON_LINES } from "./names.ts";

const INTERVAL_MS = 15_000;
const TIMEOUT_MS = 60_000;

/** Runs the cron jobs until the process ends, because the local server does not. */
export function runCron(url: string): void {
  void runCronOnce(url);
  setInterval(() => void runCronOnce(url), INTERVAL_MS).unref();
}

/** Runs the cron jobs. The server logs those that fail. */
export const runCronOnce = (url: string): Promise<unknown> =>
  Promise.allSettled(CRON_LINES.map((line) => run(url, line)));

async function run(url: string, line: string): Promise<void> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const response = await fetch(`${url}/cdn-cgi/local/scheduled?${new URLSearchParams({ cron: line })}`, { signal });
  await response.arrayBuffer();
}
