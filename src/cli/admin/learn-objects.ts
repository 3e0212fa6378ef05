import { and, eq } from "drizzle-orm";
import * as v from "valibot";
import { eventsToLearnFrom, insertObjects, objectRows } from "../../events/objects/learn.ts";
import { producers } from "../../ingest/table.ts";
import { query } from "../d1.ts";
import { Failure } from "../failure.ts";
import { builder } from "../sql.ts";
import type { Target } from "../target.ts";
import { command } from "./command.ts";
import { checkedNumber } from "./options.ts";

/** Events of one call. */
const EVENTS_A_STEP = 500;
/** Characters. D1 takes statements of 100,000 bytes, Linux arguments of 131,072 bytes. */
const MAX_STATEMENT_LENGTH = 60_000;
const MAX_ID_DIGITS = 15;

const eventRow = v.object({
  id: v.number(),
  uuid: v.string(),
  type: v.string(),
  created: v.number(),
  received_at: v.number(),
  producer: v.string(),
  context: v.string(),
});

export const learn = command({
  name: "objects learn",
  usage: "[--producer NAME] [--from ID]",
  help: `Learns from the stored events to which customer and project an object belongs, ${EVENTS_A_STEP} events at a time.
Needed when a producer gets the right to tell places after it has sent events. Reads the events of the producers in the
database that have this right, and of each --producer NAME. Can be stopped, and continued with --from and the last ID it
printed. Running it again changes nothing.`,
  options: { from: { type: "string", default: "0" }, producer: { type: "string", multiple: true, default: [] } },
  async run({ target, values }) {
    const from = checkedNumber("--from", values.from, MAX_ID_DIGITS);
    const names = [...new Set([...values.producer, ...(await trusted(target))])];
    if (names.length === 0) throw new Failure("No producer in the database may tell places. Name one with --producer.");
    await learnFrom(target, names, from);
  },
});

async function trusted(target: Target): Promise<string[]> {
  const mayTell = and(eq(producers.tellsPlaces, 1), eq(producers.isActive, 1));
  const rows = await query(target, builder.select({ name: producers.name }).from(producers).where(mayTell));
  return rows.map(({ name }) => String(name));
}

async function learnFrom(target: Target, names: readonly string[], from: number): Promise<void> {
  let last = from - 1;
  for (let events = await read(target, names, last); events.length > 0; events = await read(target, names, last)) {
    await write(target, events);
    last = events.at(-1)?.id ?? last;
    console.error(`Learned from the events up to ID ${last}.`);
  }
}

async function read(target: Target, names: readonly string[], after: number) {
  return v.parse(v.array(eventRow), await query(target, eventsToLearnFrom(names, after, EVENTS_A_STEP)));
}

async function write(target: Target, events: Awaited<ReturnType<typeof read>>): Promise<void> {
  const rows = objectRows(
    events.map(({ type, received_at, ...event }) => ({
      ...event,
      eventType: type,
      receivedAt: received_at,
      tellsPlaces: true,
    })),
  );
  let statement: string[] = [];
  for (const [index, row] of rows.entries()) {
    statement.push(row);
    const isFull = statement.join().length + (rows[index + 1]?.length ?? MAX_STATEMENT_LENGTH) >= MAX_STATEMENT_LENGTH;
    if (!isFull) continue;
    await query(target, insertObjects(`[${statement.join()}]`));
    statement = [];
  }
}
