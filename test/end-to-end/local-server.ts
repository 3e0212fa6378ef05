import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { resolve } from "node:path";
import { createInterface } from "node:readline";

const ROOT = resolve(import.meta.dirname, "../..");
const START_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 60_000;

/** A server that `npm start` runs, as a user starts it. */
export class LocalServer {
  readonly url: string;
  readonly #npm: ChildProcess;

  private constructor(npm: ChildProcess, url: string) {
    this.#npm = npm;
    this.url = url;
  }

  static async start(env: Record<string, string>): Promise<LocalServer> {
    const port = String(await freePort());
    const npm = spawn("npm", ["start", "--silent"], {
      cwd: ROOT,
      // Whatever the developer's .dev.vars say.
      env: { ...process.env, AUTH: "local", ...env, PORT: port },
      stdio: ["ignore", "pipe", "inherit"],
    });
    await readyLine(npm);
    return new LocalServer(npm, `http://127.0.0.1:${port}`);
  }

  /** Returns when the server prints a line with this text in it, or has ended. */
  async printed(text: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = (data: unknown) => String(data).includes(text) && resolve();
    this.#npm.stdout?.on("data", look);
    this.#npm.on("exit", resolve);
    await promise;
    this.#npm.stdout?.off("data", look);
  }

  /** The process IDs of npm and of all its descendants. */
  processes(): number[] {
    const children = new Map<number, number[]>();
    for (const line of execFileSync("ps", ["-eo", "pid=,ppid="], { encoding: "utf8" }).trim().split("\n")) {
      const [pid = 0, parent = 0] = line.trim().split(/\s+/).map(Number);
      children.set(parent, [...(children.get(parent) ?? []), pid]);
    }
    const family = [this.#npm.pid ?? 0];
    for (const pid of family) family.push(...(children.get(pid) ?? []));
    return family;
  }

  /** Returns when npm has ended, with or without an error. */
  async ended(): Promise<void> {
    if (this.#npm.exitCode !== null || this.#npm.signalCode !== null) return;
    await once(this.#npm, "exit", { signal: AbortSignal.timeout(STOP_TIMEOUT_MS) });
  }

  /** Sends a signal and returns the exit code; null after an end by signal. */
  async stop(signal: NodeJS.Signals): Promise<number | null> {
    if (this.#npm.exitCode !== null || this.#npm.signalCode !== null) return this.#npm.exitCode;
    this.#npm.kill(signal);
    const [code] = await once(this.#npm, "exit", { signal: AbortSignal.timeout(STOP_TIMEOUT_MS) });
    return typeof code === "number" ? code : null;
  }
}

export function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Waits for the line "Ready at". Throws an error with the output when npm ends before, or takes too long. */
async function readyLine(npm: ChildProcess): Promise<void> {
  const printed: string[] = [];
  const timeout = setTimeout(() => npm.kill("SIGTERM"), START_TIMEOUT_MS);
  const ready = new Promise<void>((resolve, reject) => {
    const lines = npm.stdout ? createInterface({ input: npm.stdout }) : undefined;
    // All output is read, because a full pipe would block the server.
    lines?.on("line", (line) => {
      printed.push(line);
      if (line.startsWith("Ready at")) resolve();
    });
    npm.on("close", () => reject(new Error(`npm start ended before it was ready:\n${printed.join("\n")}`)));
  });
  await ready.finally(() => clearTimeout(timeout));
}

/** A port of 127.0.0.1 that nobody uses. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("The system gave no port.");
  return address.port;
}
