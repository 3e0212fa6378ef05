import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cp, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const COPIED = ["src", "test", "package.json", "tsconfig.json", ".oxlintrc.json"];

/** Not the packages of test/interop: the copy has no .gitignore, so the linter would read them. */
const isOurs = (path: string): boolean => basename(path) !== "node_modules";

/** A function of ours, in a file of its own. */
const SLOW = "export async function slow(): Promise<void> {}\n";
const WORKER_IMPORTS = [
  'import { sql } from "drizzle-orm";',
  'import { drizzle } from "drizzle-orm/d1";',
  'import type { Env } from "SRC/env.ts";',
  'import { slow } from "SRC/slow.ts";',
];
/** Each line misuses a promise, or a Drizzle query, which runs only when it is awaited. */
const WORKER_LINES = [
  "slow();",
  "env.DB.batch([]);",
  'env.INGEST_QUEUE.send("");',
  'env.SPILL.delete("");',
  "drizzle(env.DB).run(sql`SELECT 1`);",
  "if (slow()) return;",
  "[1].forEach(async () => {});",
];
const NODE_IMPORTS = ['import { readFile } from "node:fs/promises";', 'import { slow } from "SRC/slow.ts";'];
const NODE_LINES = ["slow();", 'readFile("");', "[1].forEach(async () => {});"];

describe("npm run check", () => {
  let copy: string;

  before(async () => {
    copy = await mkdtemp(join(tmpdir(), "edge-events-"));
    for (const name of COPIED) await cp(join(ROOT, name), join(copy, name), { recursive: true, filter: isOurs });
    await writeFile(join(copy, "src/slow.ts"), SLOW);
    await symlink(join(ROOT, "node_modules"), join(copy, "node_modules"), "junction");
  });

  after(() => rm(copy, { recursive: true, force: true }));

  it("finds promises that are not awaited, whichever tsconfig.json a folder has", async () => {
    const planted = [
      await plant("src/planted.ts", WORKER_IMPORTS, WORKER_LINES),
      await plant("src/events/list/planted.ts", WORKER_IMPORTS, WORKER_LINES),
      await plant("test/events/planted.ts", WORKER_IMPORTS, WORKER_LINES),
      await plant("src/cli/admin/planted.ts", NODE_IMPORTS, NODE_LINES),
      await plant("test/bench/planted.ts", NODE_IMPORTS, NODE_LINES),
      await plant("test/end-to-end/planted.ts", NODE_IMPORTS, NODE_LINES),
    ];
    assert.deepEqual(findings(), planted.flat().sort());
  });

  /** Writes the file and returns `path:line` for each of its lines that the linter must report. */
  async function plant(path: string, imports: string[], lines: string[]): Promise<string[]> {
    const src = `${"../".repeat(path.split("/").length - 1)}src`;
    const head = [...imports.map((line) => line.replace("SRC", src)), "export async function planted(env: Env) {"];
    await writeFile(join(copy, path), [...head, ...lines, "}", ""].join("\n"));
    return lines.map((_, index) => `${path}:${head.length + index + 1}`);
  }

  function findings(): string[] {
    const oxlint = join(ROOT, "node_modules/oxlint/bin/oxlint");
    const { stdout } = spawnSync(process.execPath, [oxlint, "--format=json", "src", "test"], {
      cwd: copy,
      encoding: "utf8",
    });
    const { diagnostics } = JSON.parse(stdout) as { diagnostics: Diagnostic[] };
    return diagnostics.map(({ filename, labels }) => `${filename}:${labels[0].span.line}`).sort();
  }
});

interface Diagnostic {
  filename: string;
  labels: [{ span: { line: number } }];
}
