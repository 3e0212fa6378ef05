import { and, type SQL, sql } from "drizzle-orm";
import { numberAt, type Row, textAt } from "../../db/reader.ts";
import { dayOf, isEverything, monthOf, quarterOf, type Range } from "../../values/periods.ts";
import { during } from "../conditions.ts";
import type { SearchQuery } from "../query.ts";
import type { Version } from "../version.ts";
import { type IdBounds, indexHits } from "./by-index.ts";
import { matchOf, verifyOf } from "./match.ts";

// Raw SQL: FTS5's MATCH and common table expressions that the query builder cannot write.

/** The exact number of matches of a search, and the state of the log that it holds for. */
export interface SearchTotal {
  total: number;
  epoch: number;
  /** Every event up to this id is included. */
  uptoId: number;
  /** Matches that this request counted; an earlier request counted the others. */
  counted: number;
  version: Version;
}

/** One row: the exact total. `key` names the search in search_totals. */
export const totalStatement = (query: SearchQuery, key: string): SQL =>
  sql`WITH ${totalTables(query, key)} SELECT n, counted, upto_id, epoch, version FROM total`;

/** Reads the row of `totalStatement`. */
export const readTotal = (row: Row | undefined): SearchTotal => ({
  total: numberAt(row, "n"),
  counted: numberAt(row, "counted"),
  uptoId: numberAt(row, "upto_id"),
  epoch: numberAt(row, "epoch"),
  version: textAt(row, "version"),
});

/**
 * Common table expressions; `total` has one row: n, counted, upto_id, epoch, version. Matches up to the id of a kept total are not
 * counted again. A total of another epoch is ignored, because events were deleted or changed since.
 */
export const totalTables = (query: SearchQuery, key: string): SQL => sql`
  known AS MATERIALIZED (
    SELECT n, upto_id FROM search_totals WHERE query = ${key} AND epoch = (SELECT epoch FROM commit_watermark)
  ),
  found AS MATERIALIZED (SELECT ${countHits(query)} AS n),
  total AS MATERIALIZED (
    SELECT (SELECT n FROM found) + coalesce((SELECT n FROM known), 0) AS n, (SELECT n FROM found) AS counted,
      upto_id, epoch, max(last_change, upto_id) || '.' || epoch || '.' || incarnation AS version
    FROM (SELECT coalesce(max(id), 0) AS upto_id FROM events) CROSS JOIN commit_watermark
  )`;

/** Reads events only when the index cannot decide: for a time range, a value or a text longer than a gram. */
function countHits(query: SearchQuery): SQL {
  const { min, max } = idsDuring(query.range);
  const ids = { min: sql`max(${min}, coalesce((SELECT upto_id FROM known), 0) + 1)`, max };
  const verify = verifyOf(query);
  const hits = indexHits(matchOf(query), ids, verify);
  if (verify === undefined && isEverything(query.range)) return sql`(SELECT count(*) FROM event_index WHERE ${hits})`;
  return sql`(SELECT count(*) FROM event_index CROSS JOIN events ON events.id = event_index.rowid
    WHERE ${and(hits, during(query.range))})`;
}

/**
 * The smallest and the largest id that an event of the range can have, by the days of the quarter at each end and by the
 * quarters beyond: at most 92 rows and one for each quarter.
 */
export function idsDuring({ from, to }: Range): IdBounds {
  return {
    min: Number.isFinite(from) ? sql`coalesce((${idFrom(from)}), 1)` : sql`1`,
    max: Number.isFinite(to) ? sql`coalesce((${idUntil(to)}), 0)` : sql`(SELECT coalesce(max(id), 0) FROM events)`,
  };
}

function idFrom(time: number): SQL {
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
