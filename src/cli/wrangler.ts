import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { paths } from "./paths.ts";
import { startNode } from "./processes.ts";

/** Keeps wrangler from asking, from looking anything up on the Internet, and from writing outside the project. */
const QUIET = {
  CI: "1",
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  WRANGLER_HIDE_BANNER: "true",
  WRANGLER_LOG_PATH: paths.wranglerLogs,
  WRANGLER_SEND_ERROR_REPORTS: "false",
  WRANGLER_SEND_METRICS: "false",
};

export function startWrangler(args: string[], env: Record<string, string> = {}, input?: string): ChildProcess {
  const options = { cwd: paths.root, env: { ...process.env, ...QUIET, ...env } };
  return startNode(["--no-warnings", paths.wrangler, ...args], options, input);
}

interface Finished {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a command to its end; `input` is what it reads. */
export async function runWrangler(args: string[], input?: string): Promise<Finished> {
  const child = startWrangler(args, {}, input);
  const [stdout, stderr] = await Promise.all([read(child.stdout), read(child.stderr), once(child, "close")]);
  return { code: child.exitCode, stdout, stderr };
}

const read = async (stream: NodeJS.ReadableStream | null) => (stream === null ? "" : text(stream));
