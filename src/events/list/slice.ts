import { and, type SQL, sql } from "drizzle-orm";
import type { Row } from "../../db/reader.ts";
import { numberAt, textAt } from "../../db/reader.ts";
import type { Range } from "../../values/periods.ts";
import { during, matches, ofTypes } from "../conditions.ts";
import { hasRole } from "../counters/read.ts";
import type { Position } from "../page-token.ts";
import { type FeedQuery, LOG, type Verify } from "../query.ts";
import type { EventRow } from "../representation.ts";
import { events, eventTypes } from "../table.ts";

/** Columns of one event; the name of a type only where the catalogue does not know the number. */
export const eventColumns = sql`${events.id} AS id, ${events.uuid} AS uuid, ${events.created} AS created, ${events.type} AS type,
  CASE WHEN ${events.type} >= 1000 THEN (SELECT ${eventTypes.name} FROM ${eventTypes} WHERE ${eventTypes.id} = ${events.type}) END AS other_type,
  ${events.message} AS message, ${events.context} AS context`;

export const eventRow = (row: Row): EventRow => ({
  id: numberAt(row, "id"),
  uuid: textAt(row, "uuid"),
  created: numberAt(row, "created"),
  type: numberAt(row, "type"),
  otherType: row.other_type === null ? null : textAt(row, "other_type"),
  message: textAt(row, "message"),
  context: textAt(row, "context"),
});

/** Which rows of a feed: in list order (or against it, to walk back), from a place, so many. */
export interface Slice {
  /** The order rows come in: the list's own, or the other way round. */
  backwards: boolean;
  range: Range;
  /** Only what lies beyond this place, in the direction of walking. */
  beyond?: Pick<Position, "created" | "id">;
  offset: number;
  limit: number;
  /** At most so many rows of the feed are looked at for a match, from the beginning. */
  scan?: number;
}

/**
 * Rows of a feed straight from its index: events_order for the log, event_scopes for an object. Ties stand in ascending id
 * in both orders, so walking back from a place means first the rest of its tie, then what lies beyond: two index ranges.
 */
export function sliceStatement(query: FeedQuery, slice: Slice, limit: SQL = sql`${slice.limit}`): SQL {
  const scanned = slice.scan === undefined ? undefined : candidates(query, slice, sql`${slice.scan}`, 0);
  const keys = scanned
    ? sql`SELECT * FROM (${scanned}) AS keys WHERE ${wanted(query)} LIMIT ${limit} OFFSET ${slice.offset}`
    : candidates(query, slice, limit, slice.offset);
  return sql`SELECT ${eventColumns} FROM (${keys}) AS keys CROSS JOIN events ON events.id = keys.id`;
}

/** The keys of a slice in order. With `scan`, whether they match is asked outside. */
function candidates(query: FeedQuery, slice: Slice, limit: SQL, offset: number): SQL {
  const { beyond, scan } = slice;
  const where = scan === undefined ? wanted(query) : undefined;
  if (beyond === undefined) {
    return sql`${keyRange(query, slice, and(during(slice.range, sql`created`), where))} LIMIT ${limit} OFFSET ${offset}`;
  }
  const descends = isDescending(query, slice);
  const tie = and(
    sql`created = ${beyond.created}`,
    sql`id ${sql.raw(slice.backwards ? "<" : ">")} ${beyond.id}`,
    where,
  );
  const rest = and(
    during(slice.range, sql`created`),
    sql`created ${sql.raw(descends ? "<" : ">")} ${beyond.created}`,
    where,
  );
  return sql`SELECT * FROM (${keyRange(query, slice, tie)} LIMIT ${limit})
    UNION ALL SELECT * FROM (${keyRange(query, slice, rest)} LIMIT ${limit}) LIMIT ${limit}`;
}

const isDescending = (query: FeedQuery, { backwards }: Slice): boolean => query.oldestFirst === backwards;

function keyRange(query: FeedQuery, slice: Slice, where: SQL | undefined): SQL {
  const time = sql.raw(isDescending(query, slice) ? "DESC" : "ASC");
  const id = sql.raw(slice.backwards ? "DESC" : "ASC");
  const source =
    query.feed === LOG
      ? sql`SELECT id, created, type, 0 AS roles FROM events INDEXED BY events_order`
      : sql`SELECT event_id AS id, created, type, roles FROM event_scopes`;
  const column = query.feed === LOG ? sql`id` : sql`event_id`;
  const object = query.feed === LOG ? undefined : sql`scope = ${query.feed}`;
  return sql`${source} WHERE ${and(object, where) ?? sql`1`} ORDER BY created ${time}, ${column} ${id}`;
}

/** Rows of the right type and roles. */
function wanted({ feed, roles, types }: FeedQuery): SQL | undefined {
  return and(feed === LOG ? undefined : hasRole(roles), ofTypes(sql`type`, types));
}

/** Where the inverted index is to look, and in what order its events are wanted. */
export interface IndexSlice extends Omit<Slice, "scan"> {
  match: string;
  verify?: Verify | undefined;
  /** SQL for the bounds of the ids to look at: FTS5 takes integers only, and JavaScript's numbers arrive as reals. */
  ids: { min: SQL; max: SQL };
}

/** The condition of a look-up, on event_index CROSS JOIN events. */
export const indexHits = (match: string, ids: IndexSlice["ids"], verify: Verify | undefined): SQL =>
  and(
    sql`event_index MATCH ${match} AND event_index.rowid >= ${ids.min} AND event_index.rowid <= ${ids.max}`,
    verify && matches(verify),
  ) ?? sql`0`;

/** Rows by the inverted index, sorted: reads every match between the ids, twice. */
export function indexStatement(
  oldestFirst: boolean,
  slice: IndexSlice,
  more?: SQL,
  limit: SQL = sql`${slice.limit}`,
): SQL {
  const { backwards, range, beyond, offset } = slice;
  const descends = oldestFirst === backwards;
  const place = beyond && beyondPlace(beyond, descends, backwards);
  const where = and(indexHits(slice.match, slice.ids, slice.verify), during(range), place, more);
  const order = sql.raw(`events.created ${descends ? "DESC" : "ASC"}, events.id ${backwards ? "DESC" : "ASC"}`);
  return sql`SELECT ${eventColumns} FROM event_index CROSS JOIN events ON events.id = event_index.rowid
    WHERE ${where} ORDER BY ${order} LIMIT ${limit} OFFSET ${offset}`;
}

/** The same rows along the log, asking the index of each event: for common terms. */
export function walkStatement(oldestFirst: boolean, slice: Omit<IndexSlice, "ids">, more: SQL, limit: SQL): SQL {
  const { backwards, range, beyond, offset, match, verify } = slice;
  const descends = oldestFirst === backwards;
  const place = beyond && beyondPlace(beyond, descends, backwards);
  const hit = sql`EXISTS (SELECT 1 FROM event_index WHERE event_index MATCH ${match} AND event_index.rowid = events.id)`;
  const where = and(during(range), more, place, hit, verify && matches(verify));
  const order = sql.raw(`events.created ${descends ? "DESC" : "ASC"}, events.id ${backwards ? "DESC" : "ASC"}`);
  return sql`SELECT ${eventColumns} FROM events INDEXED BY events_order
    WHERE ${where} ORDER BY ${order} LIMIT ${limit} OFFSET ${offset}`;
}

function beyondPlace({ created, id }: Pick<Position, "created" | "id">, descends: boolean, backwards: boolean): SQL {
  const [time, tie] = [sql.raw(descends ? "<" : ">"), sql.raw(backwards ? "<" : ">")];
  return sql`(events.created ${time} ${created} OR (events.created = ${created} AND events.id ${tie} ${id}))`;
}
