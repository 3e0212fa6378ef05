import { and, type SQL, sql } from "drizzle-orm";
import { integer } from "../../db/sql.ts";
import { during } from "../conditions.ts";
import type { SeriesQuery } from "../query.ts";
import type { Slice } from "../row.ts";
import { beyondCursor, indexStatement } from "../search/by-index.ts";
import { matchOfSeries } from "../search/match.ts";

// Raw SQL: FTS5's MATCH.

/** Ids from `min` to `max`. */
export interface IdWindow {
  min: number;
  max: number;
}

/** Windows of one statement. */
const MAX_WINDOWS = 4;
/** Ids between two windows that are not worth a second look-up. */
const MIN_GAP = 200;

/**
 * The ids of some periods, in at most MAX_WINDOWS windows. Periods that are beside each other in a list may be far apart in
 * the log: one event dated 2099 was stored years before the others of its page. The index reads all matches of a window.
 */
export function windowsOf(periods: readonly IdWindow[]): IdWindow[] {
  const windows: IdWindow[] = [];
  for (const { min, max } of [...periods].sort((a, b) => a.min - b.min)) {
    const last = windows.at(-1);
    if (last !== undefined && min - last.max <= MIN_GAP) last.max = Math.max(last.max, max);
    else windows.push({ min, max });
  }
  while (windows.length > MAX_WINDOWS) joinNearest(windows);
  return windows;
}

function joinNearest(windows: IdWindow[]): void {
  const gaps = windows.slice(1).map(({ min }, index) => min - (windows[index]?.max ?? 0));
  const at = gaps.indexOf(Math.min(...gaps));
  const joined = windows.slice(at, at + 2);
  windows.splice(at, 2, { min: joined[0]?.min ?? 0, max: joined[1]?.max ?? 0 });
}

/** Rows of a series by the inverted index, sorted. Reads two rows for every match in the windows. */
export function windowsStatement(
  query: SeriesQuery,
  slice: Slice,
  windows: readonly IdWindow[],
  limit: SQL = sql`${slice.limit}`,
): SQL {
  const { columns, backwards, range, beyond, offset, upto = Infinity } = slice;
  const match = matchOfSeries(query);
  const ends = windows.map(({ min, max }) => ({ min, max: Math.min(max, upto) })).filter(({ min, max }) => min <= max);
  const [first = NO_IDS, ...others] = ends.map(({ min, max }) => ({ min: integer(min), max: integer(max) }));
  if (others.length === 0) return indexStatement(query.oldestFirst, { ...slice, match, ids: first }, undefined, limit);
  const hits = [first, ...others].map(
    ({ min, max }) =>
      sql`SELECT rowid AS id FROM event_index WHERE event_index MATCH ${match} AND rowid >= ${min} AND rowid <= ${max}`,
  );
  const descends = query.oldestFirst === backwards;
  const where = and(during(range), beyond && beyondCursor(beyond, descends, backwards)) ?? sql`1`;
  const order = sql.raw(`events.created ${descends ? "DESC" : "ASC"}, events.id ${backwards ? "DESC" : "ASC"}`);
  return sql`SELECT ${columns} FROM (${sql.join(hits, sql` UNION ALL `)}) AS hits CROSS JOIN events ON events.id = hits.id
    WHERE ${where} ORDER BY ${order} LIMIT ${limit} OFFSET ${offset}`;
}

const NO_IDS = { min: sql`1`, max: sql`0` };
