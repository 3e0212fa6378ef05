import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Failure } from "./failure.ts";
import { paths } from "./paths.ts";
import { HOST } from "./port.ts";
import { ServerLog } from "./server-log.ts";
import { startWrangler } from "./wrangler.ts";

const READY_TIMEOUT_MS = 60_000;
const POLL_INTERVAL_MS = 50;
const REQUEST_TIMEOUT_MS = 5_000;
/** For what wrangler has printed to reach us. Not the event `close`: its children may outlive it, and hold the pipes. */
const LAST_WORDS_MS = 300;

export interface Server {
  url: string;
  log: ServerLog;
  /** Rejects when wrangler ends; it never does so by itself. */
  died: Promise<never>;
}

/** Starts `wrangler dev`. `envFile` comes after .dev.vars, so it wins. */
export function startServer(port: number, stateDir: string, envFile: string): Server {
  const envFiles = [paths.devVars, envFile].filter((file) => existsSync(file));
  const child = startWrangler(
    [
      ...["dev", "--local", "--ip", HOST, "--port", String(port), "--persist-to", stateDir],
      // Any free port: with the default one, two servers could not run at once.
      ...["--inspector-port", "0"],
      ...["--show-interactive-dev-session=false", "--log-level", "log"],
      ...envFiles.flatMap((file) => ["--env-file", file]),
    ],
    // The registry connects Workers of one name on one machine; ours are apart, like their databases.
    { WRANGLER_REGISTRY_PATH: join(stateDir, "registry") },
  );
  const log = new ServerLog();
  log.read(child.stdout);
  log.read(child.stderr);
  const died = new Promise<never>((_, reject) => {
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      const fail = () =>
        reject(new Failure(`The server stopped by itself: wrangler dev ended with ${signal ?? code}.\n${log.tail}`));
      setTimeout(fail, LAST_WORDS_MS);
    });
  });
  return { url: `http://${HOST}:${port}`, log, died };
}

/** Returns when `/healthz` says 200. */
export async function serverReady({ url, log }: Server): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  while (!(await isHealthy(url))) {
    if (Date.now() > deadline) {
      throw new Failure(`The server is not healthy after ${READY_TIMEOUT_MS / 1000} s.\n${log.tail}`);
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
