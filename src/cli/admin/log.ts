import { entriesBetween, logSummary, PART_ENTRIES } from "../../events/log/check.ts";
import { beginIncarnation } from "../../events/log/incarnation.ts";
import { query } from "../d1.ts";
import { Failure } from "../failure.ts";
import type { Target } from "../target.ts";
import { command } from "./command.ts";
import { inParts } from "./parts.ts";

export const logCommands = [
  command({
    name: "log check",
    usage: "",
    help: `Counts the entries of the log and tells whether their numbers are without gaps, and none is used twice. Events may be
written meanwhile. The exit code is 1 when they are not.`,
    options: {},
    run: ({ target }) => checkLog(target),
  }),
  command({
    name: "log renew",
    usage: "",
    help: `Begins a new incarnation of the log, which tells readers that the log is not the one that they have read: the ETags and page
tokens of lists from before are no longer valid. Needed after the database was restored to an earlier time.`,
    options: {},
    run: ({ target }) => renew(target),
  }),
];

interface Counts {
  end: number;
  /** Numbers above dense_from that an entry should have, and that one has. */
  expected: number;
  found: number;
  twice: number;
}

/** Counts up to the end that it finds first; later entries have higher numbers. Throws a Failure when they are not dense. */
export async function checkLog(target: Target): Promise<void> {
  const [before] = await query(target, logSummary);
  const [end, from] = [Number(before?.end), Number(before?.dense_from)];
  const events = await count(target, from, end);
  const [after] = await query(target, logSummary);
  // A deletion in between takes an event that may be counted already.
  if (after?.changes !== before?.changes) return checkLog(target);
  const others = Number(before?.changes) + Number(before?.removed) + Number(before?.periods);
  report({ end, expected: end - from, found: events.events + others, twice: events.twice }, from);
}

async function count(target: Target, from: number, end: number): Promise<{ events: number; twice: number }> {
  const begins = Array.from(
    { length: Math.ceil((end - from) / PART_ENTRIES) },
    (_, part) => from + part * PART_ENTRIES,
  );
  const sum = { events: 0, twice: 0 };
  for await (const [row] of inParts(target, begins, (after) => [
    entriesBetween(after, Math.min(end, after + PART_ENTRIES)),
  ])) {
    sum.events += Number(row?.events);
    sum.twice += Number(row?.twice);
  }
  return sum;
}

function report({ end, expected, found, twice }: Counts, from: number): void {
  console.log(`The log ends at ${end}. Entries after ${from}: ${found} of ${expected}. Numbers used twice: ${twice}.`);
  if (found === expected && twice === 0) return;
  throw new Failure("The numbers of the log are not dense: somebody has changed the tables by hand.");
}

async function renew(target: Target): Promise<void> {
  const [row] = await query(target, beginIncarnation(Date.now()));
  console.log(`The log has the incarnation ${row?.incarnation} now.`);
}
