import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, symlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { freePort } from "../end-to-end/local-server.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const PACKAGES = join(import.meta.dirname, "node_modules");
const TIMEOUT_MS = 60_000;
/** No tool may call home, nor look for a newer version of itself. */
const ENV = {
  ...process.env,
  DO_NOT_TRACK: "1",
  NO_COLOR: "1",
  REDOCLY_TELEMETRY: "off",
  REDOCLY_SUPPRESS_UPDATE_NOTICE: "true",
};

/** What a tool has printed, and its exit code. */
interface Finished {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a file of a package, or our own file, in Node. */
export async function run(cwd: string, file: string, args: readonly string[], env = {}): Promise<Finished> {
  const options = { cwd, env: { ...ENV, ...env }, timeout: TIMEOUT_MS, maxBuffer: 2 ** 26 };
  const child = promisify(execFile)(process.execPath, [file, ...args], options);
  return child.then(
    (printed) => ({ code: 0, ...printed }),
    ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
  );
}

export const tool = (path: string): string => join(PACKAGES, path);

/** Generates both clients from openapi.json in a folder, and puts the files of usage/ beside them. */
export async function generateClients(folder: string): Promise<void> {
  await mkdir(join(folder, "generated"));
  await symlink(PACKAGES, join(folder, "node_modules"));
  await cp(join(import.meta.dirname, "usage"), folder, { recursive: true });
  await writeFile(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: COMPILER_OPTIONS }));
  const heyConfig = {
    input: "openapi.json",
    output: { path: "generated/hey", module: { extension: ".ts" } },
    logs: { file: false },
  };
  await writeFile(join(folder, "openapi-ts.config.mjs"), `export default ${JSON.stringify(heyConfig)};`);
  const finished = await Promise.all([
    run(folder, tool("openapi-typescript/bin/cli.js"), ["openapi.json", "-o", "generated/api.d.ts"]),
    run(folder, tool("@hey-api/openapi-ts/bin/run.js"), ["-f", "openapi-ts.config.mjs"]),
  ]);
  for (const { code, stdout, stderr } of finished) if (code !== 0) throw new Error(`${stdout}${stderr}`);
}

/** As strict as a user's compiler may be; generated files are checked, too. */
const COMPILER_OPTIONS = {
  target: "es2024",
  module: "nodenext",
  lib: ["esnext", "dom", "dom.iterable"],
  types: ["node"],
  typeRoots: [join(ROOT, "node_modules/@types")],
  strict: true,
  noUncheckedIndexedAccess: true,
  erasableSyntaxOnly: true,
  allowImportingTsExtensions: true,
  noEmit: true,
  skipLibCheck: false,
};

export const compile = (folder: string): Promise<Finished> =>
  run(folder, join(ROOT, "node_modules/typescript/bin/tsc"), ["-p", "."]);

/** Prism as a proxy in front of a server: it checks requests and responses against a document. */
export class Prism {
  readonly url: string;
  readonly #process;

  private constructor(url: string, process: ReturnType<typeof spawn>) {
    this.url = url;
    this.#process = process;
  }

  static async start(document: string, upstream: string): Promise<Prism> {
    const port = await freePort();
    const args = ["proxy", document, upstream, "-p", String(port), "--multiprocess=false"];
    const child = spawn(process.execPath, [tool("@stoplight/prism-cli/dist/index.js"), ...args], {
      env: ENV,
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ready = new Promise<void>((resolve, reject) => {
      // All output is read, because a full pipe would block Prism.
      createInterface({ input: child.stdout }).on("line", (line) => line.includes("Prism is listening") && resolve());
      child.on("close", () => reject(new Error("Prism ended before it was ready.")));
    });
    await ready;
    return new Prism(`http://127.0.0.1:${port}`, child);
  }

  async stop(): Promise<void> {
    this.#process.kill("SIGTERM");
    await once(this.#process, "close");
  }
}
