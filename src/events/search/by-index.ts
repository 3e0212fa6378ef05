import { and, type SQL, sql } from "drizzle-orm";
import { during, matches } from "../conditions.ts";
import type { Comparison } from "../query.ts";
import type { Slice } from "../row.ts";

// Raw SQL: FTS5's MATCH.

/** SQL for the smallest and the largest id to look at. FTS5 takes integers only: a bound JavaScript number is a real. */
export interface IdBounds {
  min: SQL;
  max: SQL;
}

/** Which matches of the inverted index, in which order. */
export interface IndexSlice extends Omit<Slice, "scan"> {
  /** The full-text expression. */
  match: string;
  /** Compared with the event itself. */
  verify?: Comparison | undefined;
  ids: IdBounds;
}

/** The condition of a look-up in event_index. */
export const between = (match: string, { min, max }: IdBounds): SQL =>
  sql`event_index MATCH ${match} AND event_index.rowid >= ${min} AND event_index.rowid <= ${max}`;

/** The same, and what the event itself must be, on event_index CROSS JOIN events. */
export const indexHits = (match: string, ids: IdBounds, verify: Comparison | undefined): SQL =>
  and(between(match, ids), verify && matches(verify)) ?? sql`0`;

/** Rows by the inverted index, sorted. Reads two rows for every match between the ids: the entry and the event. */
export function indexStatement(
  oldestFirst: boolean,
  slice: IndexSlice,
  more?: SQL,
  limit: SQL = sql`${slice.limit}`,
): SQL {
  const { columns, backwards, range, beyond, offset } = slice;
  const descends = oldestFirst === backwards;
  const ahead = beyond && beyondCursor(beyond, descends, backwards);
  const where = and(indexHits(slice.match, slice.ids, slice.verify), during(range), ahead, more);
  const order = sql.raw(`events.created ${descends ? "DESC" : "ASC"}, events.id ${backwards ? "DESC" : "ASC"}`);
  return sql`SELECT ${columns} FROM event_index CROSS JOIN events ON events.id = event_index.rowid
    WHERE ${where} ORDER BY ${order} LIMIT ${limit} OFFSET ${offset}`;
}

/** The event is ahead of a cursor, in the direction of walking. */
export function beyondCursor(
  { created, id }: NonNullable<Slice["beyond"]>,
  descends: boolean,
  backwards: boolean,
): SQL {
  const [time, tie] = [sql.raw(descends ? "<" : ">"), sql.raw(backwards ? "<" : ">")];
  return sql`(events.created ${time} ${created} OR (events.created = ${created} AND events.id ${tie} ${id}))`;
}
