import { type ChildProcess, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import packageJson from "../../package.json" with { type: "json" };

const ROOT = resolve(import.meta.dirname, "../..");
/** The arguments of Node in `npm run admin`. */
const [, ...ADMIN] = packageJson.scripts.admin.split(" ");

/** A fenced block of a document. */
export interface Snippet {
  language: string;
  code: string;
}

/** A command of a `console` block, and what it prints. */
export interface Step {
  command: string;
  expected: string;
}

export async function snippetsOf(path: string): Promise<Snippet[]> {
  const text = await readFile(join(ROOT, path), "utf8");
  return [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language = "", code = ""]) => ({ language, code }));
}

/** The commands of a `console` block, which begin with `$ `. Comments and blank lines at the end do not count. */
export const stepsOf = (code: string): Step[] =>
  code
    .split(/^\$ /m)
    .slice(1)
    .map((text) => {
      const end = text.indexOf("\n");
      return { command: text.slice(0, end), expected: text.slice(end + 1).trimEnd() };
    });

/** What differs from run to run: tokens, secrets, receipts, UUIDs and IDs, times, ETags, durations. */
const VOLATILE = new RegExp(
  [
    /eev_[0-9a-f]{0,40}…?/,
    /whsec_[\w+/=]*…?/,
    /[0-9a-f]{32}(?:\.\.[\w.]+)?/,
    /[0-9a-f]{16}\.\d+\.\d+\.\d+\.\d+/,
    /\b[0-9a-f]{12}\b/,
    /\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)?/,
    /\d{4}-\d\d-\d\d\b/,
    /_[0-9a-z]+_[0-9a-z]+_[0-9a-f]{12}_[0-9a-z]+/,
    /\b1[67]\d{14}\b/,
    /\b1[78]\d{11}\b/,
  ]
    .map(({ source }) => source)
    .join("|"),
  "g",
);

export const volatileIn = (text: string): string[] => text.match(VOLATILE) ?? [];

/** The text without what differs from run to run, and with one space where a table has several or a tab. */
const settled = (text: string): string =>
  text
    .replaceAll("\r", "")
    .replace(VOLATILE, "#")
    .replaceAll(/[ \t]+/g, " ")
    .replaceAll(/ $/gm, "")
    .trimEnd();

/** Whether a command printed what a document shows; `…` there stands for any text, alone on a line for any lines. */
export function isShown(expected: string, printed: string): boolean {
  const pattern = settled(expected)
    .split("\n")
    .map((line) => (line === "…" ? "[\\s\\S]*?" : line.split("…").map(RegExp.escape).join(".*")))
    .join("\n");
  return new RegExp(`^${pattern}$`).test(settled(printed));
}

/** Defines `npm` for the admin commands and the collector, without npm's own second. */
const NPM = `npm() {
  case "$*" in *" tail -- "*) node='src/cli/tail.ts';; *) node='${ADMIN.join(" ")}';; esac
  while [ "$1" != "--" ]; do shift; done; shift; (cd '${ROOT}' && exec '${process.execPath}' $node "$@")
}`;

/** A POSIX shell that runs one command after the other and keeps its variables. */
export class Shell {
  readonly #child: ChildProcess;
  #printed = "";
  #arrived = Promise.withResolvers<void>();

  constructor(cwd: string, env: Record<string, string>) {
    this.#child = spawn("sh", {
      cwd,
      env: { ...process.env, ...env, AUDIT: "off" },
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#child.stdout?.on("data", (data) => {
      this.#printed += data;
      this.#arrived.resolve();
    });
    this.#child.on("close", () => this.#arrived.resolve());
    this.#child.stdin?.write(`exec 2>&1\n${NPM}\n`);
  }

  /** Runs commands and returns what they print, and the exit code of the last one. */
  async run(code: string): Promise<{ printed: string; exitCode: number }> {
    this.#printed = "";
    this.#child.stdin?.write(`{ ${code}\n} </dev/null\nprintf '\\036%s\\036' "$?"\n`);
    for (;;) {
      const [, printed = "", exitCode] = /^([\s\S]*)\x1e(\d+)\x1e$/.exec(this.#printed) ?? [];
      if (exitCode !== undefined) return { printed, exitCode: Number(exitCode) };
      if (this.#child.exitCode !== null) throw new Error(`The shell has ended:\n${this.#printed}`);
      this.#arrived = Promise.withResolvers();
      await this.#arrived.promise;
    }
  }

  stop(): void {
    this.#child.kill();
  }
}
