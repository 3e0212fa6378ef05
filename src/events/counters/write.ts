import { type SQL, sql } from "drizzle-orm";
import { codeOf } from "./codes.ts";

/**
 * Keeps the counters: statements for the end of the transaction that writes events. They count the events above the
 * watermark, which are new in this transaction.
 */

const FRESH = sql`events.id > (SELECT marked_end FROM commit_watermark)`;

/**
 * Adds two JSON objects of numbers key by key: `column` of the existing row and `excluded.column`. Looks only at the
 * new keys one by one, because the existing object may have hundreds of others.
 */
const added = (column: "codes" | "days") => {
  const [there, coming] = [sql.raw(`counters.${column}`), sql.raw(`excluded.${column}`)];
  return sql`json_patch(${there}, (
    SELECT json_group_object(key, value + coalesce(json_extract(${there}, '$."' || key || '"'), 0)) FROM json_each(${coming})))`;
};

const onConflict = (withDays: boolean) => sql`ON CONFLICT (series, period) DO UPDATE SET
    n = n + excluded.n, min_id = min(min_id, excluded.min_id), last_id = max(last_id, excluded.last_id),
    codes = ${added("codes")}${withDays ? sql`, days = ${added("days")}` : sql``}`;

/** The statements for the counters of the log, by quarter, day and hour. */
export const countInLog: readonly SQL[] = [
  countInPeriods("log", sql`events.quarter`, sql`events.month || ':'`),
  countInPeriods("log/day", sql`events.day`, sql`''`),
  countInPeriods("log/hour", sql`events.hour`, sql`''`),
];

function countInPeriods(series: string, period: SQL, prefix: SQL): SQL {
  return sql`INSERT INTO counters (series, period, n, min_id, last_id, codes)
    SELECT ${series}, period, sum(n), min(min_id), max(last_id), json_group_object(code, n)
    FROM (
      SELECT ${period} AS period, ${prefix} || ${codeOf(sql`events.type`)} AS code,
        count(*) AS n, min(events.id) AS min_id, max(events.id) AS last_id
      FROM events WHERE ${FRESH} GROUP BY 1, 2
    )
    GROUP BY period
    HAVING true
    ${onConflict(false)}`;
}

/** The statement for the counters of objects. `rows`: a JSON array of [uuid, scope, roles]. */
export const countInScopes = (rows: string): SQL => sql`WITH fresh AS MATERIALIZED (
    SELECT entry.value->>1 AS series, events.quarter AS period, events.id AS id,
      events.month || ':' || ${codeOf(sql`events.type`, sql`(entry.value->>2)`)} AS code,
      substr(events.day, 6) || ':' || (entry.value->>2) AS day
    FROM json_each(${rows}) AS entry JOIN events ON events.uuid = entry.value->>0
    WHERE ${FRESH}
  ),
  by_code AS (
    SELECT series, period, sum(n) AS n, min(min_id) AS min_id, max(last_id) AS last_id, json_group_object(code, n) AS codes
    FROM (SELECT series, period, code, count(*) AS n, min(id) AS min_id, max(id) AS last_id FROM fresh GROUP BY 1, 2, 3)
    GROUP BY 1, 2
  ),
  by_day AS (
    SELECT series, period, json_group_object(day, n) AS days
    FROM (SELECT series, period, day, count(*) AS n FROM fresh GROUP BY 1, 2, 3)
    GROUP BY 1, 2
  )
  INSERT INTO counters (series, period, n, min_id, last_id, codes, days)
  SELECT series, period, n, min_id, last_id, codes, days FROM by_code JOIN by_day USING (series, period)
  WHERE true
  ${onConflict(true)}`;
