import * as v from "valibot";
import { eventsToLearnFrom, insertObjects, objectRows } from "../../events/objects/learn.ts";
import { query } from "../d1.ts";
import type { Target } from "../target.ts";
import { command } from "./command.ts";
import { checkedNumber } from "./options.ts";

/** Events of one call. */
const EVENTS_A_STEP = 500;
/** Characters. D1 takes statements of 100,000 bytes, Linux arguments of 131,072 bytes. */
const MAX_STATEMENT_LENGTH = 60_000;
const MAX_ID_DIGITS = 15;

const eventRow = v.object({ id: v.number(), type: v.string(), created: v.number(), context: v.string() });

export const objectCommands = [
  command({
    name: "objects learn",
    usage: "[--from ID]",
    help: `Learns from all events to which customer and project an object belongs, ${EVENTS_A_STEP} events at a time.
Needed for events that were written by other means than the Worker. Can be stopped, and continued
with --from and the last ID it printed. Running it again changes nothing.`,
    options: { from: { type: "string", default: "0" } },
    run: ({ target, values }) => learn(target, checkedNumber("--from", values.from, MAX_ID_DIGITS)),
  }),
];

async function learn(target: Target, from: number): Promise<void> {
  let last = from - 1;
  for (let events = await read(target, last); events.length > 0; events = await read(target, last)) {
    await write(target, events);
    last = events.at(-1)?.id ?? last;
    console.error(`Learned from the events up to ID ${last}.`);
  }
}

async function read(target: Target, after: number) {
  const rows = await query(target, eventsToLearnFrom(after, EVENTS_A_STEP));
  return v.parse(v.array(eventRow), rows);
}

async function write(target: Target, events: Awaited<ReturnType<typeof read>>): Promise<void> {
  const rows = objectRows(events.map(({ type, ...event }) => ({ ...event, eventType: type })));
  let statement: string[] = [];
  for (const [index, row] of rows.entries()) {
    statement.push(row);
    const isFull = statement.join().length + (rows[index + 1]?.length ?? MAX_STATEMENT_LENGTH) >= MAX_STATEMENT_LENGTH;
    if (!isFull) continue;
    await query(target, insertObjects(`[${statement.join()}]`));
    statement = [];
  }
}
