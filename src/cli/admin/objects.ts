import { parseArgs } from "node:util";
import * as v from "valibot";
import { insertObjects, objectRows } from "../../events/objects/learn.ts";
import { literal, query, type Target } from "../d1.ts";
import { Failure, WRONG_USAGE } from "../failure.ts";
import { printSql } from "../print-sql.ts";
import { COMMON_OPTIONS, type Command, targetOf } from "./command.ts";

/** Events read at once. */
const EVENTS_A_STEP = 500;
/** Characters of one statement; D1 takes 100,000 bytes, and a command line somewhat more. */
const MAX_STATEMENT_LENGTH = 60_000;

const eventRow = v.object({ id: v.number(), type: v.string(), created: v.number(), context: v.string() });

export const objectCommands: readonly Command[] = [
  {
    name: "objects learn",
    options: "[--from ID] [--remote]",
    help: `Learns from the stored events where objects belong, ${EVENTS_A_STEP} events a step; needed for events that were not
written by this Worker. It may be stopped, and go on with --from; doing it twice changes nothing.`,
    run: learn,
  },
];

async function learn(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { ...COMMON_OPTIONS, from: { type: "string", default: "0" } } });
  const target = targetOf(values);
  if (!/^\d{1,15}$/.test(values.from)) throw new Failure("--from wants the id of an event.", WRONG_USAGE);
  let last = Number(values.from) - 1;
  for (let events = await read(target, last); events.length > 0; events = await read(target, last)) {
    await write(target, events);
    last = events.at(-1)?.id ?? last;
    console.error(`Learnt from the events up to ${last}.`);
  }
}

async function read(target: Target, after: number) {
  const rows = await query(
    target,
    `SELECT events.id, name AS type, created, context FROM events JOIN event_types ON event_types.id = type
     WHERE events.id > ${literal(after)} ORDER BY events.id LIMIT ${EVENTS_A_STEP};`,
  );
  return v.parse(v.array(eventRow), rows);
}

async function write(target: Target, events: Awaited<ReturnType<typeof read>>): Promise<void> {
  const rows = objectRows(events.map(({ type, ...event }) => ({ ...event, eventType: type })));
  let statement: string[] = [];
  for (const [index, row] of rows.entries()) {
    statement.push(row);
    const isFull = statement.join().length + (rows[index + 1]?.length ?? MAX_STATEMENT_LENGTH) >= MAX_STATEMENT_LENGTH;
    if (!isFull) continue;
    await query(target, printSql(insertObjects(`[${statement.join()}]`)));
    statement = [];
  }
}
