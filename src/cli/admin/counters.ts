import type { SQL } from "drizzle-orm";
import { differences, type Part, repairs } from "../../events/counters/rebuild.ts";
import { allParts } from "../counter-parts.ts";
import { queryAll, type Row } from "../d1.ts";
import { Failure } from "../failure.ts";
import type { Target } from "../target.ts";
import { command } from "./command.ts";
import { inParts } from "./parts.ts";

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
  for await (const rows of inParts(
    target,
    await allParts((statements) => queryAll(target, statements)),
    statementsOf,
  )) {
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
