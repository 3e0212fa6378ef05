import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type Verdict, verdictOf } from "./verdict.ts";

const VITEST = resolve(import.meta.dirname, "../../node_modules/vitest/vitest.mjs");
const ARGS = ["run", "--config", "test/vitest.config.ts", "--bail", "1", "--maxWorkers", "1", "--silent"];

/** The leaders of the process groups that run tests. */
const groups = new Set<number>();

/** Runs tests in a copy of the project until the first one fails, for at most `limitMs`. `tests`: files or folders. */
export async function runTests(copy: string, tests: readonly string[], limitMs: number): Promise<Verdict> {
  const file = join(copy, "report.json");
  await rm(file, { force: true });
  // A group of its own, so that Vitest ends together with the workerd processes that it starts.
  const child = spawn(process.execPath, [VITEST, ...ARGS, "--reporter=json", `--outputFile=${file}`, ...tests], {
    cwd: copy,
    detached: true,
    stdio: "ignore",
  });
  const group = child.pid;
  if (group === undefined) return verdictOf({ exitCode: null, isLate: false, report: undefined });
  groups.add(group);
  let isLate = false;
  const limit = setTimeout(() => {
    isLate = true;
    kill(group);
  }, limitMs);
  await once(child, "exit");
  clearTimeout(limit);
  kill(group);
  const report = await readFile(file, "utf8").catch(() => undefined);
  return verdictOf({ exitCode: child.exitCode, isLate, report });
}

/** Ends all tests that run. */
export function endTests(): void {
  groups.forEach(kill);
}

function kill(group: number): void {
  groups.delete(group);
  try {
    process.kill(-group, "SIGKILL");
  } catch {
    // The group has ended.
  }
}
