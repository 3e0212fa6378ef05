import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { Failure } from "./failure.ts";
import { paths } from "./paths.ts";
import { HELD, startNode } from "./processes.ts";

/** Keeps wrangler from asking questions, from using the Internet on its own, and from writing outside the project. */
const QUIET = {
  CI: "1",
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  WRANGLER_HIDE_BANNER: "true",
  WRANGLER_LOG_PATH: paths.wranglerLogs,
  WRANGLER_SEND_ERROR_REPORTS: "false",
  WRANGLER_SEND_METRICS: "false",
};

/**
 * Keeps a local server from opening its data: the explorer runs SQL for whoever asks, and the trace store and the debug
 * log are files with the URL of each request, which may contain a secret.
 */
const CLOSED = {
  X_LOCAL_EXPLORER: "false",
  X_LOCAL_OBSERVABILITY: "false",
  WRANGLER_WRITE_LOGS: "false",
};

/** Starts dev-server.ts. */
export const startDevServer = (args: string[]): ChildProcess => start([paths.devServer, ...args], CLOSED, HELD);

function start(args: string[], env: Record<string, string> = {}, input?: string | typeof HELD): ChildProcess {
  const options = { cwd: paths.root, env: { ...process.env, ...QUIET, ...env } };
  return startNode(["--no-warnings", ...args], options, input);
}

export interface Finished {
  /** The exit code; null after a signal. */
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a command to its end, whether it fails or not. `input` is its stdin. */
export async function runWrangler(args: string[], input?: string): Promise<Finished> {
  const child = start([paths.wrangler, ...args], {}, input);
  const [stdout, stderr] = await Promise.all([read(child.stdout), read(child.stderr), once(child, "close")]);
  return { code: child.exitCode, stdout, stderr };
}

/** Runs a command and returns its stdout. Throws a Failure with the message of `explain` when the command fails. */
export async function wranglerOutput(
  args: string[],
  explain: (finished: Finished) => string,
  input?: string,
): Promise<string> {
  const finished = await runWrangler(args, input);
  if (finished.code !== 0) throw new Failure(explain(finished));
  return finished.stdout;
}

/** What a failed command printed: its stderr, or its stdout when stderr is empty. */
export const errorOutput = ({ stdout, stderr }: Finished): string => stderr.trim() || stdout.trim();

const read = async (stream: NodeJS.ReadableStream | null) => (stream === null ? "" : text(stream));
