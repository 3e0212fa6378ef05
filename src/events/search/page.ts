import { and, type SQL, sql } from "drizzle-orm";
import { numberAt, type Row } from "../../db/reader.ts";
import { dayOf, isEverything } from "../../values/periods.ts";
import { during } from "../conditions.ts";
import { type IndexSlice, indexHits, indexStatement, walkStatement } from "../list/slice.ts";
import type { SearchQuery } from "../query.ts";

/** A page is looked for where this many times as many matches lie, if they lie evenly. */
const MARGIN = 6;

/** From this share of the time on, nothing is gained by looking at a part only. */
const WORTH_NARROWING = 0.25;

/**
 * Rows read for an event looked at: by the index, itself and its event; along the log, its place, itself and the index. The
 * index looks at all matches between two ids; where many events came late these are far apart, and the log is cheaper.
 */
const LOOK_COST = 2;
const WALK_COST = 3;

/** Up to this long, in microseconds, the ids of a part are looked up by the hour; by the day if it is longer. */
const BY_THE_HOUR = 2 * 86_400_000_000;

/** What a search has come to, and what is worth keeping of it. */
export interface SearchTotal {
  total: number;
  epoch: number;
  /** Every event up to this id is counted in. */
  uptoId: number;
  /** Matches counted by this request; the others an earlier one had counted. */
  counted: number;
}

/** Whether a page that came out short may have rows elsewhere: not when all of the time was looked at. */
export const mayBeShort = ({ offset, limit }: SearchSlice, total: number): boolean =>
  ((offset + limit) * MARGIN) / Math.max(1, total) < WORTH_NARROWING;

export type SearchSlice = Omit<IndexSlice, "match" | "verify" | "ids" | "range">;

/** One row: the exact total. `key` names the search in search_totals. */
export const totalStatement = (query: SearchQuery, key: string): SQL =>
  sql`WITH ${totals(query, key)} SELECT n, counted, upto_id, epoch FROM total`;

export const readTotal = (row: Row | undefined): SearchTotal => ({
  total: numberAt(row, "n"),
  counted: numberAt(row, "counted"),
  uptoId: numberAt(row, "upto_id"),
  epoch: numberAt(row, "epoch"),
});

/**
 * The total and a page, in one statement: a row as of `totalStatement`, then events. The page is looked for in the part of
 * the log that should hold it if matches lay evenly, so it reads a few times as many matches as it shows; when they do not
 * lie evenly it comes out short, and `wholePageStatement` has to be asked.
 */
export function pageStatement(query: SearchQuery, key: string, slice: SearchSlice, isWide = false): SQL {
  const part = sql`events.created >= (SELECT low FROM part) AND events.created <= (SELECT high FROM part)`;
  const { min, max } = idsDuring(query.range);
  const ids = {
    min: sql`coalesce((SELECT low_id FROM ids), ${min})`,
    max: sql`coalesce((SELECT high_id FROM ids), ${max})`,
  };
  const limit = (walks: boolean) => sql`iif((SELECT walks FROM way) = ${Number(walks)}, ${slice.limit}, 0)`;
  const looked = indexStatement(query.oldestFirst, { ...query, ...slice, ids }, part, limit(false));
  const walked = walkStatement(query.oldestFirst, { ...query, ...slice }, part, limit(true));
  return sql`WITH ${totals(query, key)}, ${partOf(query, slice, isWide)}
    SELECT n, counted, upto_id, epoch, NULL AS id, NULL AS uuid, NULL AS created, NULL AS type, NULL AS other_type,
      NULL AS message, NULL AS context FROM total
    UNION ALL SELECT NULL, NULL, NULL, NULL, * FROM (${looked})
    UNION ALL SELECT NULL, NULL, NULL, NULL, * FROM (${walked})`;
}

/** The same page, wherever its events lie: reads every match twice. */
export const wholePageStatement = (query: SearchQuery, slice: SearchSlice): SQL =>
  indexStatement(query.oldestFirst, { ...query, ...slice, ids: idsDuring(query.range) });

/**
 * The exact number of matches: those up to an id, which an earlier search has counted, and those that came since. Totals
 * of another epoch (something was deleted or changed) do not count.
 */
const totals = (query: SearchQuery, key: string): SQL => sql`
  known AS MATERIALIZED (
    SELECT n, upto_id FROM search_totals WHERE query = ${key} AND epoch = (SELECT epoch FROM commit_watermark)
  ),
  found AS MATERIALIZED (SELECT ${countHits(query)} AS n),
  total AS MATERIALIZED (
    SELECT (SELECT n FROM found) + coalesce((SELECT n FROM known), 0) AS n, (SELECT n FROM found) AS counted,
      (SELECT coalesce(max(id), 0) FROM events) AS upto_id, (SELECT epoch FROM commit_watermark) AS epoch
  )`;

/** Events themselves are read only when the index cannot decide: for a time range, a value or a long text. */
function countHits({ match, verify, range }: SearchQuery): SQL {
  const { min, max } = idsDuring(range);
  const ids = { min: sql`max(${min}, coalesce((SELECT upto_id FROM known), 0) + 1)`, max };
  const hits = indexHits(match, ids, verify);
  if (verify === undefined && isEverything(range)) return sql`(SELECT count(*) FROM event_index WHERE ${hits})`;
  return sql`(SELECT count(*) FROM event_index CROSS JOIN events ON events.id = event_index.rowid
    WHERE ${and(hits, during(range))})`;
}

/** The ids between which all events of a time range lie, by the days of the log. */
function idsDuring({ from, to }: SearchQuery["range"]): IndexSlice["ids"] {
  const ofDays = (bound: string, where: SQL) =>
    sql`(SELECT ${sql.raw(bound)} FROM counters WHERE feed = 'log/day' AND ${where})`;
  return {
    min: Number.isFinite(from) ? sql`coalesce(${ofDays("min(min_id)", sql`period >= ${dayOf(from)}`)}, 1)` : sql`1`,
    max: Number.isFinite(to)
      ? sql`coalesce(${ofDays("max(last_id)", sql`period <= ${dayOf(to)}`)}, 0)`
      : sql`(SELECT coalesce(max(id), 0) FROM events)`,
  };
}

/**
 * `part` (low, high: times) is where the page should lie, walking from its edge of the log or from its place; `ids` the ids
 * of everything in that part, whatever order it came in; `way` whether to walk along the log for it.
 */
function partOf(
  { range, oldestFirst }: SearchQuery,
  { backwards, beyond, offset, limit }: SearchSlice,
  isWide: boolean,
): SQL {
  const descends = oldestFirst === backwards;
  const first = sql`(SELECT min(created) FROM events)`;
  const last = sql`(SELECT max(created) FROM events)`;
  const low = Number.isFinite(range.from) ? sql`max(${range.from}, ${first})` : first;
  const high = Number.isFinite(range.to) ? sql`min(${range.to}, ${last})` : last;
  const edge = beyond === undefined ? sql.raw(descends ? "high" : "low") : sql`${beyond.created}`;
  const width = sql`(high - low) * share`;
  const period = (time: SQL) =>
    sql`substr(strftime('%Y-%m-%dT%H', floor(${time} / 1e6), 'unixepoch'), 1, iif(width <= ${BY_THE_HOUR}, 13, 10))`;
  return sql`
  whole AS (SELECT ${low} AS low, ${high} AS high,
    ${isWide ? sql`1` : sql`(${offset} + ${limit}) * ${MARGIN} / max(1.0, (SELECT n FROM total))`} AS share),
  part AS MATERIALIZED (
    SELECT CASE WHEN share >= ${WORTH_NARROWING} THEN low ELSE ${descends ? sql`${edge} - ${width}` : edge} END AS low,
      CASE WHEN share >= ${WORTH_NARROWING} THEN high ELSE ${descends ? edge : sql`${edge} + ${width}`} END AS high,
      iif(share >= ${WORTH_NARROWING}, NULL, ${width}) AS width
    FROM whole
  ),
  ids AS MATERIALIZED (
    SELECT min(min_id) AS low_id, max(last_id) AS high_id FROM part CROSS JOIN counters
    WHERE width IS NOT NULL AND feed = iif(width <= ${BY_THE_HOUR}, 'log/hour', 'log/day')
      AND period >= ${period(sql`part.low`)} AND period <= ${period(sql`part.high`)}
  ),
  way AS MATERIALIZED (
    SELECT width IS NOT NULL AND ${WALK_COST} * (${offset} + ${limit}) * 1.0 * upto_id / max(1, n)
        < ${LOOK_COST} * 1.0 * n * (coalesce(high_id, 0) - coalesce(low_id, 0)) / max(1, upto_id) AS walks
    FROM total, part, ids
  )`;
}
