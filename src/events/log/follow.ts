import { type SQL, sql } from "drizzle-orm";
import { numberAt, type Reader, type Row, textAt } from "../../db/reader.ts";
import { integer } from "../../db/sql.ts";
import { ExpiringCache } from "../../http/cache.ts";
import { pageColumns } from "../list/content.ts";
import { type EventRow, eventColumns, eventRow } from "../row.ts";
import { foundTypes, typeStatements, type WantedTypes } from "../type-numbers.ts";
import {
  beginOf,
  changesAfter,
  comparesEvents,
  deletedSince,
  eventsAfter,
  type Following,
  hasPeriods,
  isIndexed,
  keyStatement,
  type LogPlace,
  oldestLeft,
  periodsAfter,
  stateStatement,
} from "./entries.ts";

/**
 * What one look at the log reads, the most: an event costs a row, or two where the index has led to it, a change three, and
 * each large event one more, of which a page of the feed has at most 250. Together they stay below 2,000 rows.
 */
const MAX_EVENTS = 1_000;
const MAX_INDEXED_EVENTS = 500;
const MAX_CHANGES = 150;
const MAX_PERIODS = 50;
/** Events that are compared with a filter for one page, the least: few of them may be wanted. */
const MIN_COMPARED = 100;

/** Events of more bytes than PAGE_BYTES (list/content.ts) divided by this number are read one by one, where they are wanted. */
const SHARES = 256;

/** How far the log has come. */
export interface LogState {
  end: number;
  incarnation: number;
  lastPeriod: number;
  /** Microseconds; 0 while it is unknown. */
  completeThrough: number;
}

/**
 * An entry of the log, as a reader gets it. `number`: its place. Of a period, everything that came before is gone that was
 * created before a time (microseconds), or at this very time with ids from `idFrom` on.
 */
export type Entry = { number: number } & (
  | { op: "event" | "identity"; event: EventRow }
  | { op: "removed"; id: number; uuid: string }
  | { op: "period"; createdBefore: number; idFrom?: number }
);

/** A part of the log. */
export interface LogPart {
  state: LogState;
  /** In their order. */
  entries: Entry[];
  /** All wanted entries up to this one are among them. */
  upto: number;
  /** The highest id that a deleted period had, since the reader last knew of one; for a reader who sees every event. */
  deletedUpto: number;
  /** See `oldestLeft`; undefined when nothing is new. */
  oldest: number | undefined;
}

/** The state of the log alone. Two rows read. */
export async function readState(reader: Reader): Promise<LogState> {
  const [[row] = []] = await reader.read([stateStatement]);
  return stateOf(row);
}

/**
 * Reads `limit` wanted entries of each kind after a place, or some more, in one round trip: one state of the log. `fields` are those
 * that the reader prints. `begins`: the place is the beginning of the log. Another round trip when a type has got its first
 * event since the request was read.
 */
export async function readPart(
  reader: Reader,
  following: Following,
  place: LogPlace,
  how: { limit: number; fields: readonly string[]; begins?: boolean },
): Promise<LogPart> {
  const { limit, fields, begins = false } = how;
  const most = {
    events: Math.min(
      comparesEvents(following) ? Math.max(limit, MIN_COMPARED) : limit,
      isIndexed(following) ? MAX_INDEXED_EVENTS : MAX_EVENTS,
    ),
    changes: MAX_CHANGES,
  };
  const after = begins ? sql`max(${integer(place.after)}, ${beginOf(following)})` : integer(place.after);
  const columns = pageColumns(fields, { events: SHARES, readsContent: true });
  const [[state] = [], events = [], changes = [], periods = [], [deleted] = [], ...types] = await reader.read([
    stateStatement,
    eventsAfter(following, columns, after, most.events),
    changesAfter(following, columns, after, most.changes),
    ...ofPeriods(following, place, after),
    ...typeStatements(following.unknownTypes),
  ]);
  const later = withTypes(following, foundTypes(types));
  if (later !== following) return readPart(reader, later, place, how);
  const known = stateOf(state);
  const kinds = [
    { entries: events.map(eventEntry), rows: events, most: most.events },
    { entries: changes.map(changeEntry), rows: changes, most: most.changes },
    ...(following.within ? [] : [{ entries: periods.map(changeEntry), rows: periods, most: MAX_PERIODS }]),
  ];
  const upto = Math.min(...kinds.map(({ entries, most }) => reached(entries, most, known.end)));
  const wanted = kinds.flatMap(({ entries, rows }) => entries.filter((_, index) => rows[index]?.is_hit === 1));
  const oldest = following.within ? periods[0]?.oldest : undefined;
  return {
    state: known,
    entries: wanted.filter(({ number }) => number <= upto).sort((a, b) => a.number - b.number),
    upto,
    deletedUpto: numberAt(deleted, "last_id"),
    oldest: oldest === undefined ? undefined : Number(oldest),
  };
}

/** Two statements: what is known of deleted periods, as the reader may know it. */
function ofPeriods(following: Following, place: LogPlace, after: SQL): SQL[] {
  if (following.within) return [oldestLeft(following.within, place.period), NOTHING];
  return [hasPeriods(following) ? NOTHING : periodsAfter(after, MAX_PERIODS), deletedSince(place.period)];
}

const NOTHING = sql`SELECT 1 WHERE 0`;

/** The same, unless types were found that it does not look for yet. */
function withTypes(following: Following, found: WantedTypes): Following {
  const { numbers = [], others = [] } = following.types ?? {};
  const isKnown =
    found.numbers.every((type) => numbers.includes(type)) && found.others.every((name) => others.includes(name));
  if (isKnown) return following;
  const types = {
    numbers: [...new Set([...numbers, ...found.numbers])],
    others: [...new Set([...others, ...found.others])],
  };
  return { ...following, types };
}

/** The content of events that `readPart` has left out; none of those that were deleted since. A row read for each. */
export async function readContent(reader: Reader, ids: readonly number[]): Promise<Map<number, EventRow>> {
  // Ids in the SQL itself: those of json_each would be counted as rows, too.
  const [rows = []] = await reader.read([
    sql`SELECT ${eventColumns} FROM events WHERE id IN (${sql.raw(ids.join(","))})`,
  ]);
  return new Map(rows.map((row) => [numberAt(row, "id"), eventRow(row)]));
}

const keys = new ExpiringCache<string>(1);

/** The secret of the feed, 64 hex digits. It never changes, so an isolate reads it once. */
export async function feedKey(reader: Reader): Promise<string> {
  const known = keys.get("", Number.POSITIVE_INFINITY, 0);
  if (known !== undefined) return known;
  const [[row] = []] = await reader.read([keyStatement]);
  const key = textAt(row, "feed_key");
  keys.set("", key, 0);
  return key;
}

const stateOf = (row: Row | undefined): LogState => ({
  end: numberAt(row, "end"),
  incarnation: numberAt(row, "incarnation"),
  lastPeriod: numberAt(row, "last_period"),
  completeThrough: numberAt(row, "complete_through"),
});

const eventEntry = (row: Row): Entry => ({ op: "event", number: numberAt(row, "id"), event: eventRow(row) });

function changeEntry(row: Row): Entry {
  const number = numberAt(row, "entry");
  const id = numberAt(row, "changed_id");
  if (row.op === "identity") return { op: "identity", number, event: eventRow(row) };
  if (row.op === "removed") return { op: "removed", number, id, uuid: textAt(row, "changed_uuid") };
  return { op: "period", number, createdBefore: numberAt(row, "created_to"), idFrom: id };
}

/** How far the statement of a kind has looked: to the end of the log, unless it has all the rows that it may have. */
const reached = (entries: readonly Entry[], most: number, end: number): number =>
  entries.length < most ? end : Math.max(...entries.map(({ number }) => number));
