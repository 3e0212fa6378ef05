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
import { queryAll, type Row } from "../d1.ts";
import { Failure } from "../failure.ts";
import type { Target } from "../target.ts";
import { command } from "./command.ts";
import { inParts } from "./parts.ts";

/** Parts of the log whose bounds are read in one call, which reads all rows of these parts. */
const PARTS_AHEAD = 20;

export const counterCommands = [
  command({
    name: "counters verify",
    usage: "",
    help: `Counts all events and compares the results with the counters, part by part. Events may be written meanwhile.
Prints the counters that differ; the exit code is then 1.`,
    options: {},
    run: ({ target }) => verify(target),
  }),
  command({
    name: "counters rebuild",
    usage: "",
    help: `Counts like verify and corrects the counters that differ, each part in one transaction.
Needed after a fault, and for events that were written by other means than the Worker.`,
    options: {},
    run: ({ target }) => rebuild(target),
  }),
];

async function verify(target: Target): Promise<void> {
  const { parts, wrong } = await compare(target, (part) => [differences(part)]);
  console.log(`${parts} parts compared, ${wrong} counters differ.`);
  if (wrong === 0) return;
  throw new Failure(`To correct them, run: npm run admin -- counters rebuild${target.remote ? " --remote" : ""}`);
}

async function rebuild(target: Target): Promise<void> {
  const { parts, wrong } = await compare(target, (part) => [differences(part), ...repairs(part)]);
  console.log(`${parts} parts compared, ${wrong} counters counted again.`);
}

/** Runs the statements of every part. The first statement of a part selects its differences, which are printed. */
async function compare(
  target: Target,
  statementsOf: (part: Part) => readonly SQL[],
): Promise<{ parts: number; wrong: number }> {
  const done = { parts: 0, wrong: 0 };
  for await (const rows of inParts(target, await allParts(target), statementsOf)) {
    done.parts += 1;
    if (rows.length === 0) continue;
    if (done.wrong === 0) console.log(line("counter", "period", "kept", "counted"));
    const all = Number(rows[0]?.differences);
    done.wrong += all;
    for (const row of rows) console.log(differenceLine(row));
    if (all > rows.length) console.log(`… and ${all - rows.length} more in this part`);
  }
  return done;
}

/** Days come before quarters, because the counters of a quarter are compared with those of its days. */
async function allParts(target: Target): Promise<Part[]> {
  const days: Part[] = [];
  for (let from = -Infinity; ; ) {
    const [bounds = [], years = [], [newest] = []] = await queryAll(target, [
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

/** A counter may have the right number of events and wrong numbers by type, role or day. */
const differenceLine = ({ series, period, kept, counted, wrong }: Row): string =>
  line(
    series,
    period,
    kept,
    kept === counted ? `${counted}, but ${wrong} numbers by type, role or day differ` : counted,
  );

const line = (series: unknown, period: unknown, kept: unknown, counted: unknown): string =>
  `${String(series).padEnd(32)}  ${String(period).padEnd(13)}  ${String(kept).padStart(9)}  ${String(counted).padStart(9)}`;
