import { execFile } from "node:child_process";
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { accessMutants } from "./access.ts";
import { ingestMutants } from "./ingest.ts";
import type { Mutant } from "./mutant.ts";
import { readingMutants } from "./reading.ts";

/*
 * Plants each bug in a copy of the sources, runs the tests that should find it, and prints a table. Exits with 1 when a
 * bug survives, with 2 when a bug does not fit the sources or the tests fail without any bug.
 */

const ROOT = resolve(import.meta.dirname, "../..");
/** Below the root, so that the copy finds node_modules. */
const COPIES = join(ROOT, ".wrangler/mutants");
const COPIED = ["src", "test", "migrations", "package.json", "tsconfig.json", "wrangler.toml"];
/** Tests that run beside each other. */
const DEFAULT_JOBS = "2";

type Outcome = "caught" | "survived" | "broken";

interface Report {
  numFailedTests: number;
  numPassedTests: number;
}

const { values } = parseArgs({
  options: { only: { type: "string", default: "" }, jobs: { type: "string", default: DEFAULT_JOBS } },
});
const mutants = [...readingMutants, ...accessMutants, ...ingestMutants].filter(({ bug, file }) =>
  `${bug} ${file}`.includes(values.only),
);

if (mutants.length === 0) {
  console.error(`No bug has the text ${values.only} in its sentence or its file.`);
  process.exit(2);
}
await rm(COPIES, { recursive: true, force: true });
const outcomes = await runAll(mutants, Number(values.jobs));
await rm(COPIES, { recursive: true, force: true });
process.exitCode = printed(outcomes);

/** Each worker takes the next mutant until none is left. */
async function runAll(all: readonly Mutant[], jobs: number): Promise<Map<Mutant, Outcome>> {
  const found = new Map<Mutant, Outcome>();
  const queue = [...all];
  const worker = async (name: string) => {
    const copy = await copied(name);
    if (!(await passes(copy, [...new Set(all.flatMap(({ tests }) => tests))], name))) return;
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) found.set(next, await plant(copy, next));
  };
  await Promise.all(Array.from({ length: jobs }, (_, index) => worker(String(index))));
  return found;
}

async function copied(name: string): Promise<string> {
  const copy = join(COPIES, name);
  await mkdir(copy, { recursive: true });
  for (const path of COPIED) await cp(join(ROOT, path), join(copy, path), { recursive: true });
  return copy;
}

/** The tests without any bug: one worker runs them for all. */
async function passes(copy: string, tests: readonly string[], name: string): Promise<boolean> {
  if (name !== "0") return true;
  const report = await testReport(copy, tests);
  if (report !== undefined && report.numFailedTests === 0 && report.numPassedTests > 0) return true;
  console.error("The tests fail without any bug.");
  process.exit(2);
}

async function plant(copy: string, { bug, file, search, replace, tests }: Mutant): Promise<Outcome> {
  const path = join(copy, file);
  const source = await readFile(path, "utf8");
  if (source.split(search).length !== 2) return "broken";
  await writeFile(
    path,
    source.replace(search, () => replace),
  );
  try {
    const report = await testReport(copy, tests);
    const outcome = report === undefined ? "broken" : report.numFailedTests > 0 ? "caught" : "survived";
    console.error(`${outcome.padEnd(8)}  ${bug}`);
    return outcome;
  } finally {
    await writeFile(path, source);
  }
}

/** The counts of a run of tests; undefined when the tests could not run at all. */
async function testReport(copy: string, tests: readonly string[]): Promise<Report | undefined> {
  const file = join(copy, "report.json");
  await rm(file, { force: true });
  const vitest = join(ROOT, "node_modules/vitest/vitest.mjs");
  const args = [vitest, "run", "--config", "test/vitest.config.ts", "--bail", "1", "--maxWorkers", "1", "--silent"];
  await new Promise<void>((done) => {
    execFile(process.execPath, [...args, "--reporter=json", `--outputFile=${file}`, ...tests], { cwd: copy }, () =>
      done(),
    );
  });
  const report = await readFile(file, "utf8").catch(() => undefined);
  if (report === undefined) return undefined;
  const { numFailedTests, numPassedTests }: Report = JSON.parse(report);
  return numFailedTests + numPassedTests > 0 ? { numFailedTests, numPassedTests } : undefined;
}

/** Prints the table; the exit code. */
function printed(found: ReadonlyMap<Mutant, Outcome>): number {
  for (const [{ bug, file }, outcome] of found) console.log(`${outcome.padEnd(8)}  ${file.padEnd(44)}  ${bug}`);
  const count = (wanted: Outcome) => [...found.values()].filter((outcome) => outcome === wanted).length;
  console.log(
    `${found.size} planted, ${count("caught")} caught, ${count("survived")} survived, ${count("broken")} broken`,
  );
  if (count("broken") > 0) return 2;
  return count("survived") > 0 ? 1 : 0;
}
