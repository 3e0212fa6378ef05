import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Failure } from "./failure.ts";
import { paths } from "./paths.ts";
import { HOST } from "./port.ts";
import { ServerLog } from "./server-log.ts";
import { startDevServer } from "./wrangler.ts";

const READY_TIMEOUT_MS = 60_000;
const POLL_INTERVAL_MS = 50;
const REQUEST_TIMEOUT_MS = 5_000;
/** Time for the last output to arrive. The event `close` may never come: children of wrangler can keep its pipes open. */
const LAST_WORDS_MS = 300;

export interface Server {
  url: string;
  log: ServerLog;
  /** Rejects when wrangler ends, which it does only after an error. */
  died: Promise<never>;
}

/** Starts wrangler's local server. The variables of `envFile` override those of .dev.vars. */
export function startServer(port: number, stateDir: string, envFile: string): Server {
  const envFiles = [paths.devVars, envFile].filter((file) => existsSync(file));
  const child = startDevServer([String(port), stateDir, ...envFiles]);
  const log = new ServerLog();
  log.read(child.stdout);
  log.read(child.stderr);
  const died = new Promise<never>((_, reject) => {
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      const fail = () =>
        reject(new Failure(`The server stopped by itself: wrangler ended with ${signal ?? code}.\n${log.tail}`));
      setTimeout(fail, LAST_WORDS_MS);
    });
  });
  return { url: `http://${HOST}:${port}`, log, died };
}

/** Returns when `/healthz` returns 200. */
export async function serverReady({ url, log }: Server): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  while (!(await isHealthy(url))) {
    if (Date.now() > deadline) {
      throw new Failure(`The server is not ready after ${READY_TIMEOUT_MS / 1000} s. Its log:\n${log.tail}`);
    }
    await sleep(POLL_INTERVAL_MS);
  }
}

async function isHealthy(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) })).status === 200;
  } catch {
    return false;
  }
}
