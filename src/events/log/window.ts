import { type SQL, sql } from "drizzle-orm";
import { typeName } from "../../catalogue/data.ts";
import { type Database, prepared } from "../../db/client.ts";
import type { Row } from "../../db/reader.ts";
import { integer } from "../../db/sql.ts";
import { eventColumns, eventRow } from "../row.ts";

/** The events of upstream, and of one producer, with from ≤ created < to; microseconds. */
export interface Span {
  producer: string;
  from: number;
  to: number;
}

/** An event as it is stored. `created` in microseconds; `context` is JSON text. */
export interface StoredEvent {
  uuid: string;
  created: number;
  eventType: string;
  message: string;
  context: string;
}

/** Events in one statement: with the largest contexts, 20 MB. */
const PART_EVENTS = 300;

const within = ({ producer, from, to }: Span): SQL => sql`created >= ${integer(from)} AND created < ${integer(to)}
    AND (upstream = 1 OR producer = ${producer})`;

/** Their number. Reads one row for each event of the time, of whatever producer. */
export async function countWithin(db: Database, span: Span): Promise<number> {
  const [row] = await rowsOf(db, sql`SELECT count(*) AS n FROM events INDEXED BY events_order WHERE ${within(span)}`);
  return Number(row?.n);
}

/**
 * The events, the oldest first, in parts of up to 300. Reads one row for each event of the time,
 * of whatever producer, and one more for each part.
 */
export async function* eventsWithin(db: Database, span: Span): AsyncGenerator<StoredEvent[]> {
  let after: { created: number; id: number } | undefined;
  do {
    const rows = (await rowsOf(db, partAfter(span, after))).map(eventRow);
    yield rows.map(({ type, otherType, ...row }) => ({ ...row, eventType: typeName(type) ?? otherType ?? "" }));
    after = rows.length < PART_EVENTS ? undefined : rows.at(-1);
  } while (after !== undefined);
}

/** The order is that of the index backwards: of equal times, the highest id first. */
function partAfter(span: Span, after: { created: number; id: number } | undefined): SQL {
  const { created, id } = after ?? { created: span.from, id: Number.MAX_SAFE_INTEGER };
  return sql`SELECT ${eventColumns} FROM events INDEXED BY events_order
    WHERE ${within({ ...span, from: created })} AND (created > ${integer(created)} OR events.id < ${integer(id)})
    ORDER BY created ASC, events.id DESC LIMIT ${integer(PART_EVENTS)}`;
}

/** The time of the event after the first `n`, microseconds; undefined when there are no more. Reads so many events. */
export async function timeOfNth(db: Database, span: Span, n: number): Promise<number | undefined> {
  const [row] = await rowsOf(
    db,
    sql`SELECT created FROM events INDEXED BY events_order WHERE ${within(span)}
      ORDER BY created ASC, events.id DESC LIMIT 1 OFFSET ${integer(n)}`,
  );
  return row === undefined ? undefined : Number(row.created);
}

/** The first and the last time of all events, microseconds; undefined for an empty log. Reads two rows. */
export async function timesOfLog(db: Database): Promise<{ first: number; last: number } | undefined> {
  const [row] = await rowsOf(
    db,
    sql`SELECT (SELECT min(created) FROM events) AS first, (SELECT max(created) FROM events) AS last`,
  );
  const { first, last } = row ?? {};
  return first == null ? undefined : { first: Number(first), last: Number(last) };
}

async function rowsOf(db: Database, statement: SQL): Promise<Row[]> {
  const [read] = await db.$client.batch<Row>([prepared(db.$client, statement)]);
  return read?.results ?? [];
}
