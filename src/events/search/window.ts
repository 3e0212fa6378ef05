import { and, type SQL, sql } from "drizzle-orm";
import { numberAt, type Row, textAt } from "../../db/reader.ts";
import { integer } from "../../db/sql.ts";
import { dayOf, isEverything, monthOf, quarterOf, type Range } from "../../values/periods.ts";
import { during, matches } from "../conditions.ts";
import type { SearchQuery } from "../query.ts";
import { EPOCH } from "../version.ts";
import { between, type IdBounds } from "./by-index.ts";
import { type Key, keysOf } from "./keys.ts";
import { matchOf, verifyOf } from "./match.ts";

// Raw SQL: FTS5's MATCH.

/** Rows that one statement may read: SQLite reads that many in some tens of milliseconds. */
export const WINDOW_ROWS = 50_000;

/** The index entry and the event. SQLite reads an entry one by one, and an event only to compare or to date it. */
const ROWS_A_KEY = 2;

/** Candidates of a window in which matches are listed. */
export const LISTED_AT_ONCE = WINDOW_ROWS / ROWS_A_KEY;

/** Which part of the index a window looks at: ids above `after`, up to `upto`, of which the first `limit` candidates. */
export interface WindowBounds {
  after: SQL;
  upto?: SQL;
  limit: SQL;
}

/** What a window has found. */
export interface Window {
  /** Entries of the index that it has looked at. */
  candidates: number;
  /** The number of them that match. */
  n: number;
  /** The highest id that it has looked at; 0 when there was none. */
  lastId: number;
  epoch: number;
  /** The matches, where they were listed. */
  keys: Key[];
}

/** Whether the index alone cannot decide what matches. */
export const comparesEvents = (query: SearchQuery): boolean =>
  verifyOf(query) !== undefined || !isEverything(query.range);

/** One row: the matches of a window. Reads the entry and the event of each candidate. */
export function listStatement(query: SearchQuery, bounds: WindowBounds): SQL {
  const verify = verifyOf(query);
  const isHit = and(sql`events.id IS NOT NULL`, verify && matches(verify), during(query.range));
  return sql`SELECT count(*) AS candidates, count(*) FILTER (WHERE is_hit) AS n, max(id) AS last_id, ${EPOCH} AS epoch,
      json_group_array(created) FILTER (WHERE is_hit) AS times, json_group_array(id) FILTER (WHERE is_hit) AS ids
    FROM (
      SELECT candidate.id, events.created, coalesce(${isHit}, 0) AS is_hit
      FROM (${candidates(query, bounds)}) AS candidate LEFT JOIN events ON events.id = candidate.id
    )`;
}

/** One row: the number of matches of a window, for a query that the index alone decides. Reads the entry of each. */
export const countStatement = (query: SearchQuery, bounds: WindowBounds): SQL =>
  sql`SELECT count(*) AS candidates, count(*) AS n, max(id) AS last_id, ${EPOCH} AS epoch
    FROM (${candidates(query, bounds)})`;

/** Rows of the newest or the oldest candidates by id, at most: in a log whose events arrived in order, a first page. */
export function nearStatement(query: SearchQuery, columns: SQL, bounds: WindowBounds, isNewest: boolean): SQL {
  const order = sql.raw(isNewest ? "DESC" : "ASC");
  return sql`SELECT ${columns} FROM (${candidates(query, bounds, order)}) AS candidate
    CROSS JOIN events ON events.id = candidate.id`;
}

function candidates(query: SearchQuery, { after, upto, limit }: WindowBounds, order: SQL = sql`ASC`): SQL {
  const { min, max } = idsDuring(query.range);
  const ids = { min: sql`max(${min}, ${after} + 1)`, max: upto === undefined ? max : sql`min(${max}, ${upto})` };
  return sql`SELECT event_index.rowid AS id FROM event_index WHERE ${between(matchOf(query), ids)}
    ORDER BY event_index.rowid ${order} LIMIT ${limit}`;
}

/** Reads the row of a statement above. */
export function readWindow(row: Row | undefined): Window {
  const list = (column: string): number[] => JSON.parse(textAt(row, column) || "[]");
  return {
    candidates: numberAt(row, "candidates"),
    n: numberAt(row, "n"),
    lastId: numberAt(row, "last_id"),
    epoch: numberAt(row, "epoch"),
    keys: keysOf(list("times"), list("ids")),
  };
}

/** As SQL for `WindowBounds`. */
export const bounds = (after: number, upto: number, limit: number): WindowBounds => ({
  after: integer(after),
  upto: integer(upto),
  limit: integer(limit),
});

/**
 * The smallest and the largest id that an event of the range can have, by the days of the quarter at each end and by the
 * quarters beyond: at most 92 rows and one for each quarter.
 */
export function idsDuring({ from, to }: Range): IdBounds {
  return {
    min: Number.isFinite(from) ? sql`coalesce((${firstIdFrom(from)}), 1)` : sql`1`,
    max: Number.isFinite(to) ? sql`coalesce((${idUntil(to)}), 0)` : sql`(SELECT coalesce(max(id), 0) FROM events)`,
  };
}

/** The smallest id that an event from a time on (microseconds) can have; NULL when there is no such event. */
export function firstIdFrom(time: number): SQL {
  const quarter = quarterOf(monthOf(time));
  return sql`SELECT min(min_id) FROM (
      SELECT min_id FROM counters WHERE series = 'log/day'
        AND period >= ${dayOf(time)} AND period < strftime('%Y-%m', ${`${quarter}-01`}, '+3 months')
      UNION ALL SELECT min_id FROM counters WHERE series = 'log' AND period > ${quarter}
    )`;
}

function idUntil(time: number): SQL {
  const quarter = quarterOf(monthOf(time));
  return sql`SELECT max(last_id) FROM (
      SELECT last_id FROM counters WHERE series = 'log/day' AND period >= ${quarter} AND period <= ${dayOf(time)}
      UNION ALL SELECT last_id FROM counters WHERE series = 'log' AND period < ${quarter}
    )`;
}
