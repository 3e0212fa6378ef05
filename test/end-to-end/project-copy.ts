import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import packageJson from "../../package.json" with { type: "json" };

const ROOT = resolve(import.meta.dirname, "../..");
const COPIED = ["src", "migrations", "package.json", "wrangler.toml", "tsconfig.json"];
/** The arguments of Node in `npm start`. */
const [, , ...START] = packageJson.scripts.start.split(" ");

/** What a run of `npm start` has printed, to stdout and stderr, and its exit code once it has ended. */
export interface Run {
  child: ChildProcess;
  printed: () => string;
}

/** A copy of the project, so that a test can have a `.dev.vars` of its own. */
export class ProjectCopy {
  readonly #root: string;

  private constructor(root: string) {
    this.#root = root;
  }

  static async create(): Promise<ProjectCopy> {
    const root = await mkdtemp(join(tmpdir(), "edge-events-copy-"));
    for (const name of COPIED) await cp(join(ROOT, name), join(root, name), { recursive: true });
    await symlink(join(ROOT, "node_modules"), join(root, "node_modules"), "dir");
    await mkdir(join(root, "tmp"));
    return new ProjectCopy(root);
  }

  get devVars(): string {
    return join(this.#root, ".dev.vars");
  }

  /** Starts the server. `devVars` becomes the content of `.dev.vars`, which every user may read. */
  async start(devVars: string, env: Record<string, string>): Promise<Run> {
    await writeFile(this.devVars, devVars, { mode: 0o644 });
    const own = { STATE_DIR: join(this.#root, "state"), TMPDIR: join(this.#root, "tmp") };
    const { STAFF_TOKEN, INGEST_SECRET, PORT, ...inherited } = process.env;
    const child = spawn(process.execPath, START, { cwd: this.#root, env: { ...inherited, ...own, ...env } });
    let printed = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (printed += data));
    return { child, printed: () => printed };
  }

  /** Runs a program of the project to its end. */
  async run(path: string, env: Record<string, string>) {
    const child = spawn(process.execPath, [join(this.#root, path)], { env: { ...process.env, ...env } });
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
    return { code: child.exitCode, stdout, stderr };
  }

  read(path: string): Promise<string> {
    return readFile(join(this.#root, path), "utf8");
  }

  /** The files that the server has written and that contain the text; `.dev.vars` is not among them. */
  filesWith(text: string): string[] {
    const directories = ["state", "tmp", ".wrangler"].map((name) => join(this.#root, name)).filter(existsSync);
    return directories
      .flatMap((directory) => readdirSync(directory, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name))
      .filter((file) => readFileSync(file).includes(text));
  }

  async remove(): Promise<void> {
    await rm(this.#root, { recursive: true, force: true });
  }
}

/** Waits until the run has printed a text. Throws with all it has printed when it ends before. */
export async function hasPrinted({ child, printed }: Run, text: string): Promise<void> {
  while (!printed().includes(text)) {
    if (child.exitCode !== null) throw new Error(`npm start has ended:\n${printed()}`);
    await Promise.race([once(child.stdout ?? child, "data"), once(child, "close")]);
  }
}

/** The exit code, after all output has arrived. */
export async function exitCode({ child }: Run): Promise<number | null> {
  if (child.exitCode === null) await once(child, "close");
  return child.exitCode;
}
