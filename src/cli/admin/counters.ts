import { parseArgs } from "node:util";
import type { SQL } from "drizzle-orm";
import {
  dayBounds,
  differences,
  newestId,
  objectParts,
  type Part,
  repairs,
  yearsOfLog,
} from "../../events/counters/rebuild.ts";
import type { Row, Target } from "../d1.ts";
import { Failure } from "../failure.ts";
import { COMMON_OPTIONS, type Command, targetOf } from "./command.ts";
import { execute, inParts } from "./sql.ts";

/** Parts of the log that are laid out in one call, which reads as many rows as they have. */
const PARTS_AHEAD = 20;

export const counterCommands: readonly Command[] = [
  {
    name: "counters verify",
    options: "[--remote]",
    help: `Counts all events again and compares with the counters, part by part, while events may be written.
Prints what differs; exit code 1 when something does.`,
    run: verify,
  },
  {
    name: "counters rebuild",
    options: "[--remote]",
    help: "Counts again what differs, each part in one transaction, while events may be written.",
    run: rebuild,
  },
];

async function verify(args: string[]): Promise<void> {
  const { parts, wrong } = await walk(target(args), (part) => [differences(part)]);
  console.log(`${parts} parts compared, ${wrong} counters differ.`);
  if (wrong > 0) throw new Failure("npm run admin -- counters rebuild counts them again.");
}

async function rebuild(args: string[]): Promise<void> {
  const { parts, wrong } = await walk(target(args), (part) => [differences(part), ...repairs(part)]);
  console.log(`${parts} parts compared, ${wrong} counters counted again.`);
}

const target = (args: string[]): Target => targetOf(parseArgs({ args, options: COMMON_OPTIONS }).values);

/** Runs the statements of every part, of which the first tells what differs, and prints that. */
async function walk(
  database: Target,
  statementsOf: (part: Part) => readonly SQL[],
): Promise<{ parts: number; wrong: number }> {
  const walked = { parts: 0, wrong: 0 };
  for await (const rows of inParts(database, await allParts(database), statementsOf)) {
    walked.parts += 1;
    if (rows.length === 0) continue;
    if (walked.wrong === 0) console.log(line("counter", "period", "kept", "counted"));
    const all = Number(rows[0]?.differences);
    walked.wrong += all;
    for (const row of rows) console.log(differenceLine(row));
    if (all > rows.length) console.log(`… and ${all - rows.length} more in this part`);
  }
  return walked;
}

/** The log's days before its quarters, which are compared with them. */
async function allParts(database: Target): Promise<Part[]> {
  const days: Part[] = [];
  for (let from = -Infinity; ; ) {
    const [bounds = [], years = [], [newest] = []] = await execute(database, [
      dayBounds(from, PARTS_AHEAD),
      yearsOfLog,
      newestId,
    ]);
    for (const { until } of bounds) {
      const to = typeof until === "number" ? until : Infinity;
      days.push({ of: "days", from, to });
      from = to;
    }
    if (from < Infinity) continue;
    const quarters = years.map(({ year }): Part => ({ of: "quarters", year: String(year) }));
    return [...days, ...quarters, ...objectParts(Number(newest?.id))];
  }
}

/** Where the number of events is right, what it is made of is not. */
const differenceLine = ({ series, period, kept, counted, wrong }: Row): string =>
  line(series, period, kept, kept === counted ? `${counted}, but ${wrong} of its parts differ` : counted);

const line = (series: unknown, period: unknown, kept: unknown, counted: unknown): string =>
  `${String(series).padEnd(32)}  ${String(period).padEnd(13)}  ${String(kept).padStart(9)}  ${String(counted).padStart(9)}`;
