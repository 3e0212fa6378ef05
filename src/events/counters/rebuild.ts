import { type SQL, sql } from "drizzle-orm";
import { LAST_SECOND } from "../../values/time.ts";
import { periodOfCreated } from "../table.ts";
import { codeOf } from "./codes.ts";

/**
 * Checks and repairs the counters part by part. Each statement is exact by itself, and each repair is one
 * transaction, so events may be written and deleted in between.
 */

/** The intended number of rows of events or event_scopes in one part. */
export const PART_ROWS = 50_000;

/** Counters shown for a part in which all differ. */
const MAX_SHOWN = 10;

/** All periods of the log sort between these two. */
const FIRST_PERIOD = "";
const LAST_PERIOD = "~";

/** A set of counters that is rebuilt together. */
export type Part =
  /**
   * The days and hours of the log, from the start of one day to the start of another (microseconds); unbounded where
   * Infinity.
   */
  | { of: "days"; from: number; to: number }
  /** The quarters of a year of the log. They are computed from the days, so the days come first. */
  | { of: "quarters"; year: string }
  /** The objects whose uuids sort from one text, inclusive, to another, exclusive. */
  | { of: "objects"; from: string; to: string };

/**
 * Rows `until`: the ends of at most `count` parts of the log that begin at `from`; NULL for the part at the end of
 * the log. Reads as many rows as these parts have.
 */
export function dayBounds(from: number, count: number, size = PART_ROWS): SQL {
  const begin = Number.isFinite(from) ? sql`${from}` : sql`-9e18`;
  return sql`WITH RECURSIVE bounds (until, step) AS (
      SELECT ${begin}, 0
      UNION ALL
      SELECT (
        SELECT CAST((floor(events.created / 86400e6) + 1) * 86400e6 AS INTEGER) FROM events INDEXED BY events_order
        WHERE events.created >= until ORDER BY events.created LIMIT 1 OFFSET ${size}
      ), step + 1
      FROM bounds WHERE until IS NOT NULL AND step < ${count}
    )
    SELECT until FROM bounds WHERE step > 0`;
}

/** Rows `year`: the years in which the log has events or counters. Reads a few rows for each year. */
export const yearsOfLog: SQL = sql`WITH RECURSIVE
    years (year) AS (
      SELECT strftime('%Y', floor(min(created) / 1e6), 'unixepoch') FROM events
      UNION ALL
      SELECT (
        SELECT strftime('%Y', floor(min(created) / 1e6), 'unixepoch') FROM events
        WHERE created >= unixepoch(printf('%04d-01-01', year + 1)) * 1000000
      ) FROM years WHERE year IS NOT NULL AND year < '9999'
    )
  SELECT year FROM years WHERE year IS NOT NULL
  UNION SELECT substr(period, 1, 4) FROM counters WHERE series = 'log' ORDER BY 1`;

/** One row, `id`: the id of the newest event, for computing the number of parts. */
export const newestId: SQL = sql`SELECT coalesce(max(id), 0) AS id FROM events`;

/** One row, `events`: the number of events in the log, from its counters. */
export const eventsInLog: SQL = sql`SELECT coalesce(sum(n), 0) AS events FROM counters WHERE series = 'log'`;

/** Divides all objects into parts, for a log of this many events. */
export function objectParts(events: number, size = PART_ROWS): Part[] {
  const parts = Math.min(0x10000, Math.ceil((3 * events) / size) || 1);
  const bound = (index: number) =>
    Math.round((index * 0x10000) / parts)
      .toString(16)
      .padStart(4, "0");
  return Array.from({ length: parts }, (_, index) => ({
    of: "objects",
    from: index === 0 ? "" : bound(index),
    to: index === parts - 1 ? "log" : bound(index + 1),
  }));
}

/**
 * Up to MAX_SHOWN counters of a part that differ from a recount, in rows: `series`, `period`, `kept` and `counted`
 * (events in all), `wrong` (numbers that differ), and `differences`, how many such counters the part has. A counter
 * of zero may be missing, and its ids may enclose more than its events.
 */
export const differences = (part: Part): SQL => sql`${comparison(part)},
  totals AS (SELECT series, period, sum(n) AS n FROM counted WHERE detail = 'codes' GROUP BY series, period)
  SELECT series, period, coalesce(max(there.n), 0) AS kept, coalesce(max(totals.n), 0) AS counted, count(*) AS wrong,
    count(*) OVER () AS differences
  FROM wrong LEFT JOIN there USING (series, period) LEFT JOIN totals USING (series, period)
  GROUP BY series, period ORDER BY series, period LIMIT ${MAX_SHOWN}`;

/**
 * Recounts the counters of a part that differ, and writes only those. Run the statements as one transaction. They
 * begin a new epoch, because totals and versions may depend on wrong counters.
 */
export const repairs = (part: Part): SQL[] => [
  sql`UPDATE commit_watermark SET epoch = epoch + 1 WHERE EXISTS (${comparison(part)} SELECT 1 FROM wrong)`,
  sql`DELETE FROM counters WHERE ${within(part)} AND (series, period) IN (${comparison(part)} SELECT series, period FROM wrong)`,
  recountPart(part),
];

/** Counts the counters of a part that are not there. */
export const recountPart = (
  part: Part,
): SQL => sql`INSERT INTO counters (series, period, n, min_id, last_id, codes, days)
    SELECT series, period, sum(n) FILTER (WHERE detail = 'codes'), min(min_id), max(last_id),
      json_group_object(key, n) FILTER (WHERE detail = 'codes'),
      nullif(json_group_object(key, n) FILTER (WHERE detail = 'days'), '{}')
    FROM (${recount(part)}) WHERE true GROUP BY series, period
    ON CONFLICT (series, period) DO NOTHING`;

/**
 * Common table expressions: `counted` (a recount), `there` (the counters), `wrong` (series and period of each number
 * that differs).
 */
const comparison = (part: Part): SQL => sql`WITH
  counted AS MATERIALIZED (${recount(part)}),
  there AS MATERIALIZED (SELECT * FROM counters WHERE ${within(part)}),
  entries AS (
    SELECT series, period, detail, key, n AS counted, 0 AS kept FROM counted
    UNION ALL SELECT series, period, 'n', '', n, 0 FROM counted WHERE detail = 'codes'
    UNION ALL SELECT series, period, 'codes', key, 0, value FROM there, json_each(iif(json_valid(codes), codes, '{}'))
    UNION ALL SELECT series, period, 'days', key, 0, value FROM there, json_each(iif(json_valid(days), days, '{}'))
    UNION ALL SELECT series, period, 'n', '', 0, n FROM there
  ),
  wrong AS MATERIALIZED (
    SELECT series, period FROM entries GROUP BY series, period, detail, key HAVING total(counted) <> total(kept)
    UNION ALL
    SELECT series, period FROM counted JOIN there USING (series, period)
    GROUP BY series, period HAVING min(counted.min_id) < there.min_id OR max(counted.last_id) > there.last_id
  )`;

/** Rows of `counters` that belong to a part. */
function within(part: Part): SQL {
  if (part.of === "objects") return sql`series >= ${part.from} AND series < ${part.to}`;
  if (part.of === "quarters") return sql`series = 'log' AND period >= ${part.year} AND period < ${`${part.year}~`}`;
  return sql`series IN ('log/day', 'log/hour') AND period >= ${dayName(part.from)}
    AND period < ${dayName(part.to)}`;
}

/** The name of a day as in periods.ts, or a bound before or after all of them. */
function dayName(time: number): string {
  if (time === -Infinity) return FIRST_PERIOD;
  return time > LAST_SECOND * 1e6 ? LAST_PERIOD : new Date(time / 1000).toISOString().slice(0, 10);
}

/**
 * A recount, one number a row: `series`, `period`, `detail` (a column of counters), `key`, `n`, and the bounds of the
 * ids.
 */
function recount(part: Part): SQL {
  if (part.of === "objects") return recountObjects(part.from, part.to);
  if (part.of === "quarters") return recountQuarters(part.year);
  const during = sql.join(
    [
      sql`true`,
      ...(Number.isFinite(part.from) ? [sql`events.created >= ${part.from}`] : []),
      ...(Number.isFinite(part.to) ? [sql`events.created < ${part.to}`] : []),
    ],
    sql` AND `,
  );
  // Not the columns `day` and `hour`: a query with computed columns is not answered from the index alone.
  const by = (series: string, period: SQL) => sql`SELECT ${series} AS series, ${period} AS period,
      'codes' AS detail, ${codeOf(sql`events.type`)} || '' AS key, count(*) AS n, min(events.id) AS min_id, max(events.id) AS last_id
    FROM events INDEXED BY events_order WHERE ${during} GROUP BY 2, 4`;
  return sql`${by("log/day", periodOfCreated.day)} UNION ALL ${by("log/hour", periodOfCreated.hour)}`;
}

const recountQuarters = (year: string): SQL => sql`SELECT 'log' AS series,
    substr(period, 1, 5) || printf('%02d', (substr(period, 6, 2) - 1) / 3 * 3 + 1) AS period,
    'codes' AS detail, substr(period, 6, 2) || ':' || key AS key, sum(value) AS n, min(min_id) AS min_id, max(last_id) AS last_id
  FROM (
    SELECT period, min_id, last_id, entry.key, entry.value FROM counters, json_each(codes) AS entry
    WHERE series = 'log/day' AND period >= ${year} AND period < ${`${year}~`} AND entry.value <> 0
  )
  GROUP BY 2, 4`;

function recountObjects(from: string, to: string): SQL {
  const { month, quarter, day } = periodOfCreated;
  const by = (detail: "codes" | "days", key: SQL) => sql`SELECT scope AS series, ${quarter} AS period,
      ${detail} AS detail, ${key} AS key, count(*) AS n, min(event_id) AS min_id, max(event_id) AS last_id
    FROM (SELECT *, ${month} AS month, ${day} AS day FROM event_scopes)
    WHERE scope >= ${from} AND scope < ${to} GROUP BY 1, 2, 4`;
  return sql`${by("codes", sql`month || ':' || ${codeOf(sql`type`, sql`roles`)}`)}
    UNION ALL ${by("days", sql`substr(day, 6) || ':' || roles`)}`;
}
