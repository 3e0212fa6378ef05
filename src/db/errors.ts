/**
 * Texts of D1 errors after which the same call may succeed later
 * (https://developers.cloudflare.com/d1/observability/debug-d1/). D1 distinguishes its errors by text only.
 */
const TRANSIENT = [
  "Network connection lost",
  "storage caused object to be reset",
  "reset because its code was updated",
  "Cannot resolve D1 DB due to transient issue",
  "client disconnected",
  "D1 DB is overloaded",
  "exceeded timeout",
  "isolate exceeded its memory limit",
  "exceeded its CPU time limit",
];

/** Whether the same D1 call may succeed later. Drizzle keeps D1's own error as the cause. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return TRANSIENT.some((text) => error.message.includes(text)) || isTransient(error.cause);
}
