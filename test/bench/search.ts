import { spawn } from "node:child_process";
import { resolve } from "node:path";
import { createInterface } from "node:readline";

/*
 * Prints the rows that searches read, for ten ways in which their matches lie in time, as the test of them measures it.
 * `npm exec -- node test/bench/search.ts 1000000`: the number of events in each log; default 100,000.
 */

const ROOT = resolve(import.meta.dirname, "../..");
const TEST = "test/events/search/distributions.test.ts";
const WIDTHS = [18, 24, 9, 12, 18, 16];
const HEAD = ["matches in time", "search", "matches", "first page", "first deep page", "worst later"];

const [events = "100000"] = process.argv.slice(2);

const print = (cells: readonly string[]): void =>
  console.log(cells.map((cell, index) => cell.padEnd(WIDTHS[index] ?? 0)).join(" "));

const vitest = spawn(
  process.execPath,
  [resolve(ROOT, "node_modules/vitest/vitest.mjs"), "run", "--config", "test/vitest.config.ts", "--silent=false", TEST],
  { cwd: ROOT, env: { ...process.env, SEARCH_EVENTS: events, NO_COLOR: "1" }, stdio: ["ignore", "pipe", "inherit"] },
);

print(HEAD);
for await (const line of createInterface({ input: vitest.stdout })) {
  const cells = line.split("; ");
  if (cells.length === HEAD.length) print(cells);
  else if (/AssertionError|Tests /.test(line)) console.log(line.trim());
}
