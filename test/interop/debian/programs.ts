import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";

/** Debian puts servers into sbin, which users do not have on their path. */
const FOLDERS = [...(process.env.PATH ?? "").split(":"), "/usr/sbin", "/usr/local/sbin"];
const STARTED_MS = 30_000;
const POLL_MS = 50;

/** The path of a program. Ends the process with one line when it is missing: a test that needs it cannot run. */
export function debianProgram(name: string, debianPackage = name): string {
  const path = FOLDERS.map((folder) => join(folder, name)).find(existsSync);
  if (path !== undefined) return path;
  console.error(`This test needs the program ${name}: apt-get install ${debianPackage}`);
  process.exit(1);
}

/** A program that runs until it is stopped. */
export class Program {
  readonly #child: ChildProcess;
  /** To stdout and stderr. */
  printed = "";

  constructor(path: string, args: readonly string[], env: Record<string, string> = {}) {
    this.#child = spawn(path, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) stream?.on("data", (data) => (this.printed += data));
  }

  /** Waits until something answers at the URL, with whatever status. Throws with what the program printed if it ends. */
  async answersAt(url: string): Promise<void> {
    const deadline = AbortSignal.timeout(STARTED_MS);
    while (!(await isAnswered(url))) {
      if (this.#child.exitCode !== null || deadline.aborted)
        throw new Error(`The program has failed:\n${this.printed}`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** Waits until it has printed a text. Throws with what it printed if it ends before. */
  async hasPrinted(text: string): Promise<void> {
    while (!this.printed.includes(text)) {
      if (this.#child.exitCode !== null) throw new Error(`The program has failed:\n${this.printed}`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill("SIGTERM");
    await once(this.#child, "exit");
  }
}

const isAnswered = (url: string): Promise<boolean> =>
  fetch(url, { method: "HEAD" }).then(
    () => true,
    () => false,
  );
