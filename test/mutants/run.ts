import { existsSync, rmSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { allMutants } from "./all.ts";
import type { Mutant } from "./mutant.ts";
import { endTests, runTests } from "./tests.ts";
import { broken, type Verdict } from "./verdict.ts";

/*
 * Plants each bug in a copy of the sources, runs the tests that should find it, and prints a table. Exits with 1 when a
 * bug survives, with 2 when a bug is broken or the tests fail without any bug.
 */

const ROOT = resolve(import.meta.dirname, "../..");
/** Below the root, so that the copies find node_modules. */
const STATE = join(ROOT, ".wrangler");
const COPIED = [
  ".github",
  "src",
  "test",
  "migrations",
  "package.json",
  "package-lock.json",
  "tsconfig.json",
  "wrangler.toml",
];
/** Tests that run beside each other. */
const DEFAULT_JOBS = "2";
/** For the tests of one bug, milliseconds. */
const BUG_LIMIT_MS = 600_000;
/** For the tests of all bugs, without any bug, milliseconds. */
const WITHOUT_BUG_LIMIT_MS = 1_800_000;

interface Result extends Verdict {
  mutant: Mutant;
  seconds: number;
}

const { values } = parseArgs({
  options: { only: { type: "string", default: "" }, jobs: { type: "string", default: DEFAULT_JOBS } },
});
const mutants = allMutants.filter(({ bug, file }) => `${bug} ${file}`.includes(values.only));
if (mutants.length === 0) {
  console.error(`No bug has the text ${values.only} in its sentence or its file.`);
  process.exit(2);
}

await mkdir(STATE, { recursive: true });
const copies = await mkdtemp(join(STATE, "mutants-"));
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => stop(`Stopped by ${signal}.`));
const results = await runAll(Number(values.jobs));
removeCopies();
process.exitCode = printed(results);

/** Each worker takes the next mutant until none is left. The first one runs the tests without any bug before. */
async function runAll(jobs: number): Promise<Result[]> {
  const found: Result[] = [];
  const queue = [...mutants];
  const worker = async (_: unknown, index: number) => {
    const copy = await copied(String(index));
    if (index === 0) await checkWithoutBug(copy);
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) found.push(await planted(copy, next));
  };
  await Promise.all(Array.from({ length: jobs }, worker));
  return found.sort((a, b) => mutants.indexOf(a.mutant) - mutants.indexOf(b.mutant));
}

async function copied(name: string): Promise<string> {
  const copy = join(copies, name);
  const filter = (path: string) => !path.endsWith("node_modules");
  for (const path of COPIED) await cp(join(ROOT, path), join(copy, path), { recursive: true, filter });
  return copy;
}

async function checkWithoutBug(copy: string): Promise<void> {
  const tests = [...new Set(mutants.flatMap(({ tests }) => tests))];
  const { outcome, detail } = await runTests(copy, tests, WITHOUT_BUG_LIMIT_MS);
  if (outcome !== "survived") stop(`The tests fail without any bug: ${detail}`);
}

async function planted(copy: string, mutant: Mutant): Promise<Result> {
  const start = performance.now();
  const verdict = await plant(copy, mutant);
  const result = { mutant, ...verdict, seconds: Math.round((performance.now() - start) / 1000) };
  console.error(lineOf(result));
  if (result.outcome === "caught") console.error(`  by: ${result.detail}`);
  return result;
}

async function plant(copy: string, { file, search, replace, tests }: Mutant): Promise<Verdict> {
  const path = join(copy, file);
  const source = await readFile(path, "utf8").catch(() => "");
  if (source.split(search).length !== 2) return broken("The text to replace is not in the file exactly once.");
  const missing = tests.find((test) => !existsSync(join(copy, test)) && !existsSync(join(copy, `${test}.test.ts`)));
  if (missing !== undefined) return broken(`There is no ${missing}.`);
  const buggy = source.replace(search, () => replace);
  await writeFile(path, buggy);
  try {
    return await runTests(copy, tests, BUG_LIMIT_MS);
  } finally {
    await writeFile(path, source);
  }
}

/** Prints the table; the exit code. */
function printed(found: readonly Result[]): number {
  for (const result of found) console.log(lineOf(result));
  const count = (wanted: Verdict["outcome"]) => found.filter(({ outcome }) => outcome === wanted).length;
  console.log(
    `${found.length} planted, ${count("caught")} caught, ${count("survived")} survived, ${count("broken")} broken`,
  );
  if (count("broken") > 0) return 2;
  return count("survived") > 0 ? 1 : 0;
}

function lineOf({ outcome, detail, seconds, mutant: { file, bug } }: Result): string {
  const reason = outcome === "broken" ? ` (${detail})` : "";
  return `${outcome.padEnd(8)}  ${String(seconds).padStart(4)} s  ${file.padEnd(36)}  ${bug}${reason}`;
}

function stop(message: string): never {
  endTests();
  removeCopies();
  console.error(message);
  process.exit(2);
}

function removeCopies(): void {
  rmSync(copies, { recursive: true, force: true, maxRetries: 5 });
}
