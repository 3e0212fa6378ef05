import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { Failure } from "./failure.ts";

const STOP_TIMEOUT_MS = 5_000;
const POLL_INTERVAL_MS = 50;

/** As the input of a process: none, over a pipe that ends with this process, even by `kill -9`. */
export const HELD = Symbol("held");

/** The leaders of the process groups that were started and are not stopped. */
const groups = new Set<number>();
let stopping = false;

/**
 * Starts `node ...args` as the leader of its own process group. So its children can be stopped with it even if it
 * ignores signals, and a Ctrl-C in the terminal reaches only this process, which then stops the others in order.
 */
export function startNode(
  args: string[],
  options: { cwd: string; env: NodeJS.ProcessEnv },
  input?: string | typeof HELD,
): ChildProcess {
  if (stopping) throw new Failure("Nothing can be started while npm start is stopping.");
  const child = spawn(process.execPath, args, {
    ...options,
    detached: true,
    stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
  });
  if (input !== HELD) child.stdin?.end(input);
  const group = child.pid;
  if (group === undefined) return child;
  groups.add(group);
  // The group has ended when its pipes are closed. Its number may then be given to another group.
  child.on("close", () => groups.delete(group));
  return child;
}

/** Stops every group and returns when no process is left. Nothing can be started afterwards. */
export async function stopProcesses(): Promise<void> {
  stopping = true;
  await Promise.all([...groups].map(stopGroup));
}

async function stopGroup(group: number): Promise<void> {
  const deadline = Date.now() + STOP_TIMEOUT_MS;
  for (let alive = signalGroup(group, "SIGTERM"); alive; alive = signalGroup(group, 0)) {
    if (Date.now() > deadline) signalGroup(group, "SIGKILL");
    await sleep(POLL_INTERVAL_MS);
  }
  groups.delete(group);
}

/** Sends a signal. Returns whether the group has a process. */
function signalGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-group, signal);
  } catch {
    return false;
  }
}
