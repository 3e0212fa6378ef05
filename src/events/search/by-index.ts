import { and, type SQL, sql } from "drizzle-orm";
import { during, matches } from "../conditions.ts";
import type { Comparison } from "../query.ts";
import type { Slice } from "../row.ts";

// Raw SQL: FTS5's MATCH and INDEXED BY.

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

/** The part of a search's list that is wanted. */
export type SearchSlice = Pick<IndexSlice, "columns" | "backwards" | "beyond" | "offset" | "limit">;

/** The condition of a look-up, on event_index CROSS JOIN events. */
export const indexHits = (match: string, ids: IdBounds, verify: Comparison | undefined): SQL =>
  and(
    sql`event_index MATCH ${match} AND event_index.rowid >= ${ids.min} AND event_index.rowid <= ${ids.max}`,
    verify && matches(verify),
  ) ?? sql`0`;

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

/** The same rows along the log, with a look-up in the index for each event. Cheaper for common terms. */
export function walkStatement(oldestFirst: boolean, slice: Omit<IndexSlice, "ids">, more: SQL, limit: SQL): SQL {
  const { columns, backwards, range, beyond, offset, match, verify } = slice;
  const descends = oldestFirst === backwards;
  const ahead = beyond && beyondCursor(beyond, descends, backwards);
  const hit = sql`EXISTS (SELECT 1 FROM event_index WHERE event_index MATCH ${match} AND event_index.rowid = events.id)`;
  const where = and(during(range), more, ahead, hit, verify && matches(verify));
  const order = sql.raw(`events.created ${descends ? "DESC" : "ASC"}, events.id ${backwards ? "DESC" : "ASC"}`);
  return sql`SELECT ${columns} FROM events INDEXED BY events_order
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
