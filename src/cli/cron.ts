import { CRON_LINES } from "./names.ts";

const INTERVAL_MS = 15_000;
const TIMEOUT_MS = 60_000;

/** Runs the cron jobs until the process ends, because the local server does not. The server logs the jobs that fail. */
export function runCron(url: string): void {
  const run = async (line: string) => {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await fetch(`${url}/cdn-cgi/local/scheduled?${new URLSearchParams({ cron: line })}`, { signal });
    await response.arrayBuffer();
  };
  const runAll = () => Promise.allSettled(CRON_LINES.map(run));
  void runAll();
  setInterval(() => void runAll(), INTERVAL_MS).unref();
}
