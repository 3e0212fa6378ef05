import { deleteOldest, eventsBefore, fittingOldest, SLICE_EVENTS } from "../../events/log/retention.ts";
import { dayOf, startOf } from "../../values/periods.ts";
import { queryAll } from "../d1.ts";
import type { Target } from "../target.ts";
import { command } from "./command.ts";
import { wrongOption } from "./options.ts";
import { table } from "./table.ts";

/** Slices between two lines about how far it is. */
const SLICES_A_LINE = 20;

/** Events in one transaction on the local database: while it writes, the local server cannot. */
const LOCAL_SLICE_EVENTS = 500;

const MICROSECONDS_PER_MILLISECOND = 1_000;

export const retentionCommands = [
  command({
    name: "retention",
    usage: "--keep PERIOD [--delete]",
    help: `Prints how many events are older than PERIOD, e.g. 24m (months) or 90d (days, UTC), and deletes nothing. With --delete, it
deletes them, some thousands in a transaction; lists and counters are right after each. Can be stopped, and run again. The
server may run and store events meanwhile. An old event that its producer sends once more is stored once more.`,
    options: { keep: { type: "string" }, delete: { type: "boolean", default: false } },
    async run({ target, values }) {
      const day = firstDay("--keep", values.keep, Date.now());
      const total = await printOlder(target, day);
      if (values.delete) await deleteBefore(target, day);
      else if (total > 0) console.error("Nothing was deleted. To delete them, add --delete.");
    },
  }),
];

/** The first day that is kept. `now` in milliseconds. */
function firstDay(option: string, text: string | undefined, now: number): string {
  const [, number = "", unit = ""] = /^([1-9]\d{0,3})([md])$/.exec(text ?? "") ?? [];
  if (unit === "") throw wrongOption(option, "a number of months or days, like 24m or 90d", text);
  const today = new Date(now);
  const [year, month, day] = [today.getUTCFullYear(), today.getUTCMonth(), today.getUTCDate()];
  if (unit === "d") return dayName(Date.UTC(year, month, day - Number(number)));
  const lastOfMonth = new Date(Date.UTC(year, month - Number(number) + 1, 0)).getUTCDate();
  return dayName(Date.UTC(year, month - Number(number), Math.min(day, lastOfMonth)));
}

const dayName = (time: number): string => dayOf(time * MICROSECONDS_PER_MILLISECOND);

async function printOlder(target: Target, day: string): Promise<number> {
  const [quarters = []] = await queryAll(target, [eventsBefore(day)]);
  const total = quarters.reduce((sum, { events }) => sum + Number(events), 0);
  if (total > 0) {
    const cells = quarters.map(({ quarter, events }) => [quarter, events]);
    console.log(table(["quarter from", "events"], cells));
  }
  console.log(`${total} events were created before ${day}.`);
  return total;
}

async function deleteBefore(target: Target, day: string): Promise<void> {
  let deleted = 0;
  for (let slices = 1; ; slices++) {
    const [[fitting] = []] = await queryAll(target, [
      fittingOldest(startOf(day), target.remote ? SLICE_EVENTS : LOCAL_SLICE_EVENTS),
    ]);
    const [[slice] = []] = await queryAll(target, deleteOldest(startOf(day), Number(fitting?.events)));
    const events = Number(slice?.events);
    if (events === 0) break;
    deleted += events;
    if (slices % SLICES_A_LINE === 0) {
      console.error(`${deleted} events deleted, up to those of ${dayOf(Number(slice?.newest))}.`);
    }
  }
  console.log(`${deleted} events deleted.`);
}
