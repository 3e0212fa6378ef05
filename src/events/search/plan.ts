import { type SQL, sql } from "drizzle-orm";
import { DAY, type Range } from "../../values/periods.ts";
import type { SearchQuery } from "../query.ts";
import type { SearchSlice } from "./by-index.ts";

// Raw SQL: common table expressions that the query builder cannot write.

/** A page is searched in the span that holds this many times its matches, if matches are spread evenly. */
const MARGIN = 6;

/** A span of this share of the range, or more, is replaced by the whole range. */
const WORTH_NARROWING = 0.25;

/**
 * Rows read for each candidate: through the index, the entry and the event; along the log, the order entry, the event and
 * the index entry. The index reads every match between two ids, which are far apart where many events arrived late.
 */
const INDEX_COST = 2;
const WALK_COST = 3;

/** Up to this span, in microseconds, the hours of the log give the bounds of the ids; beyond it, the days. */
const MAX_SPAN_BY_HOUR = 2 * DAY;

/** Whether a page with missing rows was searched in a part of the range only. */
export const mayBeShort = (slice: SearchSlice, total: number): boolean =>
  ((slice.offset + slice.limit) * MARGIN) / Math.max(1, total) < WORTH_NARROWING;

/**
 * Common table expressions that place a page, for use after `totalTables`. `part` has the times `low` and `high` between
 * which the page is searched, `ids` the bounds of the ids there, `way` whether to walk along the log (`walks`).
 */
export function planTables({ range, oldestFirst }: SearchQuery, slice: SearchSlice, isWide: boolean): SQL {
  const needed = slice.offset + slice.limit;
  return sql`
  whole AS (SELECT ${boundsOf(range)}, ${isWide ? sql`1` : shareOf(needed)} AS share),
  part AS MATERIALIZED (SELECT ${partOf(slice, oldestFirst === slice.backwards)} FROM whole),
  ids AS MATERIALIZED (${idsOfPart}),
  way AS MATERIALIZED (${wayFor(needed)})`;
}

/** `low` and `high`: the part of the range that has events. */
function boundsOf({ from, to }: Range): SQL {
  const first = sql`(SELECT min(created) FROM events)`;
  const last = sql`(SELECT max(created) FROM events)`;
  const low = Number.isFinite(from) ? sql`max(${from}, ${first})` : first;
  const high = Number.isFinite(to) ? sql`min(${to}, ${last})` : last;
  return sql`${low} AS low, ${high} AS high`;
}

/** The share of the range that should hold the page and all before it. */
const shareOf = (needed: number): SQL => sql`${needed} * ${MARGIN} / max(1.0, (SELECT n FROM total))`;

/** `low`, `high` and `width` of the part, from the edge of the range or from the cursor; `width` is NULL for the whole range. */
function partOf({ beyond }: SearchSlice, descends: boolean): SQL {
  const edge = beyond === undefined ? sql.raw(descends ? "high" : "low") : sql`${beyond.created}`;
  const width = sql`(high - low) * share`;
  const [low, high] = descends ? [sql`${edge} - ${width}`, edge] : [edge, sql`${edge} + ${width}`];
  return sql`CASE WHEN share >= ${WORTH_NARROWING} THEN low ELSE ${low} END AS low,
      CASE WHEN share >= ${WORTH_NARROWING} THEN high ELSE ${high} END AS high,
      iif(share >= ${WORTH_NARROWING}, NULL, ${width}) AS width`;
}

const periodOf = (time: SQL): SQL =>
  sql`substr(strftime('%Y-%m-%dT%H', floor(${time} / 1e6), 'unixepoch'), 1, iif(width <= ${MAX_SPAN_BY_HOUR}, 13, 10))`;

/** The ids of all events in the part, in whatever order they arrived. */
const idsOfPart: SQL = sql`SELECT min(min_id) AS low_id, max(last_id) AS high_id FROM part CROSS JOIN counters
    WHERE width IS NOT NULL AND series = iif(width <= ${MAX_SPAN_BY_HOUR}, 'log/hour', 'log/day')
      AND period >= ${periodOf(sql`part.low`)} AND period <= ${periodOf(sql`part.high`)}`;

/** Walks when the rows of a walk to the last needed match are fewer than the rows of the matches between the ids. */
const wayFor = (needed: number): SQL => sql`SELECT width IS NOT NULL
      AND ${WALK_COST} * ${needed} * 1.0 * upto_id / max(1, n)
        < ${INDEX_COST} * 1.0 * n * (coalesce(high_id, 0) - coalesce(low_id, 0)) / max(1, upto_id) AS walks
    FROM total, part, ids`;
