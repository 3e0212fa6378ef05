import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { StandInFeed } from "./stand-in-feed.ts";

const ROOT = resolve(import.meta.dirname, "../..");

/** A run of `npm run tail`, without npm's own half second. */
export class Collector {
  readonly child: ChildProcess;
  stdout = "";
  stderr = "";

  constructor(args: readonly string[], env: Record<string, string>, stdout: "pipe" | number = "pipe") {
    const stdio: StdioOptions = ["ignore", stdout, "pipe"];
    const script = join(ROOT, "src/cli/tail.ts");
    this.child = spawn(process.execPath, [script, ...args], { env: { ...process.env, ...env }, stdio });
    this.child.stdout?.on("data", (data) => (this.stdout += data));
    this.child.stderr?.on("data", (data) => (this.stderr += data));
  }

  /** Waits until it has printed a text to stdout or stderr. Throws when it ends before. */
  async hasPrinted(text: string): Promise<void> {
    while (!`${this.stdout}${this.stderr}`.includes(text)) {
      const streams = [this.child.stdout, this.child.stderr].filter((stream) => stream !== null);
      const ended = once(this.child, "close").then(() => {
        if (!`${this.stdout}${this.stderr}`.includes(text)) throw new Error(`It has ended: ${this.stderr}`);
      });
      await Promise.race([...streams.map((stream) => once(stream, "data")), ended]);
    }
  }

  /** The exit code, or the signal that has ended it. */
  async ended(): Promise<number | NodeJS.Signals | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, "close");
    return this.child.exitCode ?? this.child.signalCode;
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  get lines(): string[] {
    return this.stdout.split("\n").slice(0, -1);
  }
}

/** A feed, a folder, and the collectors that a test has started. */
export class Collecting {
  readonly feed: StandInFeed;
  readonly folder: string;
  readonly state: string;
  readonly #collectors: Collector[] = [];

  private constructor(feed: StandInFeed, folder: string) {
    this.feed = feed;
    this.folder = folder;
    this.state = join(folder, "state.json");
  }

  static async start(): Promise<Collecting> {
    return new Collecting(await StandInFeed.start(), await mkdtemp(join(tmpdir(), "edge-events-tail-")));
  }

  /** Starts one whose pauses are of milliseconds. `stdout`: a file descriptor. */
  begin(args: readonly string[], stdout?: number, env: Record<string, string> = {}): Collector {
    const own = { EDGE_EVENTS_URL: this.feed.url, EDGE_EVENTS_TOKEN: StandInFeed.TOKEN, EDGE_EVENTS_BACK_OFF_MS: "1" };
    const collector = new Collector(args, { ...own, ...env }, stdout);
    this.#collectors.push(collector);
    return collector;
  }

  /** Runs one until it ends. */
  async run(args: readonly string[], env: Record<string, string> = {}): Promise<Finished> {
    const collector = this.begin(args, undefined, env);
    const { child } = collector;
    await once(child, "close");
    return { code: child.exitCode, lines: collector.lines, stdout: collector.stdout, stderr: collector.stderr };
  }

  /** What the state file has. */
  async stored(): Promise<Record<string, string>> {
    return JSON.parse(await readFile(this.state, "utf8"));
  }

  async remove(): Promise<void> {
    for (const { child } of this.#collectors) child.kill("SIGKILL");
    await this.feed.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

interface Finished {
  code: number | null;
  lines: string[];
  stdout: string;
  stderr: string;
}
