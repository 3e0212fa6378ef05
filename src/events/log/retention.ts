import { type SQL, sql } from "drizzle-orm";
import { codeOf } from "../counters/codes.ts";
import { periodOfCreated } from "../table.ts";
import { END } from "./sequence.ts";

/**
 * Deletes the oldest events, a slice at a time. Each slice is one transaction and one entry of the log, after which
 * everything is true: lists, counters, the full-text index. So it may be stopped anywhere and begun again, while events are
 * written and read. The trigger events_deleted (migrations/0018) would write ten rows an event; this writes one for the
 * event, one for its index entry and one for each of its objects, which is the floor: D1 counts each deleted row of a table,
 * though not its index entries. Counters are written once for each counter of a slice.
 */

/** Events in one slice: about a second of D1. A larger slice shares each counter between more events. */
export const SLICE_EVENTS = 5_000;
/**
 * Bytes of contexts in one slice, and one context more. A context may have a text every ten bytes, and each is looked up three
 * times: 1,500,000 times at the most, below the 30 seconds of D1.
 */
const SLICE_CONTEXT_BYTES = 5_000_000;

/** Rows `quarter` and `events`: how many events were created before the start of a day. `day` as in periods.ts. */
export const eventsBefore = (day: string): SQL => sql`SELECT
    substr(period, 1, 5) || printf('%02d', (substr(period, 6, 2) - 1) / 3 * 3 + 1) AS quarter, sum(n) AS events
  FROM counters WHERE series = 'log/day' AND period < ${day} GROUP BY 1 HAVING sum(n) > 0 ORDER BY 1`;

/** One row, `events`: how many of the oldest events before a time (microseconds) fit in a slice, at most `most`. */
export const fittingOldest = (before: number, most = SLICE_EVENTS): SQL => sql`WITH sizes AS (
    SELECT created, id, octet_length(context) AS bytes FROM events INDEXED BY events_order
    WHERE created < ${before} ORDER BY created ASC, id DESC LIMIT ${most}
  )
  SELECT count(*) AS events FROM (
    SELECT bytes, sum(bytes) OVER (ORDER BY created ASC, id DESC ROWS UNBOUNDED PRECEDING) AS total FROM sizes
  ) WHERE total - bytes < ${SLICE_CONTEXT_BYTES}`;

/**
 * The statements that delete the oldest events before a time (microseconds), at most `size`. Run them as one transaction.
 * The first one returns a row: the number of `events`, and the time of the `newest` of them.
 */
export const deleteOldest = (before: number, size = SLICE_EVENTS): SQL[] => {
  const slice = oldest(before, size);
  return [
    sql`WITH ${slice} SELECT count(*) AS events, max(created) AS newest FROM gone`,
    insertEntry(slice),
    sql`UPDATE commit_watermark SET epoch = epoch + 1, last_change = (SELECT max(id) FROM log_changes),
        last_period = (SELECT max(id) FROM log_changes), deletes_period = 1
      WHERE last_change < (SELECT max(id) FROM log_changes)`,
    ...subtract(slice),
    sql`WITH ${slice}, ${SCOPES} DELETE FROM event_scopes
      WHERE (scope, created, event_id) IN (SELECT scope, created, event_id FROM gone_scopes)`,
    sql`WITH ${slice} DELETE FROM event_index WHERE rowid IN (SELECT id FROM gone)`,
    sql`WITH ${slice} DELETE FROM events WHERE id IN (SELECT id FROM gone)`,
    sql`UPDATE commit_watermark SET deletes_period = 0 WHERE deletes_period = 1`,
  ];
};

/** A common table expression, `gone`: the events of a slice. All statements see the same, until the last one deletes them. */
const oldest = (before: number, size: number): SQL => sql`gone AS MATERIALIZED (
    SELECT id, created, type FROM events INDEXED BY events_order
    WHERE created < ${before} ORDER BY created ASC, id DESC LIMIT ${size}
  )`;

const insertEntry = (slice: SQL): SQL => sql`WITH ${slice}
  INSERT INTO log_changes (id, op, event_id, created_from, created_to, n, last_id)
  SELECT ${END} + 1, 'period', (SELECT id FROM gone ORDER BY created DESC, id ASC LIMIT 1),
    (SELECT min(created) FROM gone), (SELECT max(created) FROM gone), (SELECT count(*) FROM gone WHERE id > dense_from),
    (SELECT max(id) FROM gone)
  FROM commit_watermark WHERE EXISTS (SELECT 1 FROM gone)`;

/** A common table expression, `gone_scopes`: the rows of event_scopes, which are found by the texts of each context. */
const SCOPES = sql`gone_scopes AS MATERIALIZED (
    SELECT DISTINCT scopes.scope AS scope, scopes.created AS created, scopes.event_id AS event_id, scopes.type AS type,
      scopes.roles AS roles
    FROM gone CROSS JOIN events ON events.id = gone.id CROSS JOIN json_each(events.context) AS entry
      CROSS JOIN event_scopes AS scopes ON scopes.scope = lower(replace(entry.value, '-', ''))
        AND scopes.created = gone.created AND scopes.event_id = gone.id
    WHERE entry.type = 'text'
  )`;

const { month, quarter, day, hour } = periodOfCreated;

/** Common table expressions; `less`: what the slice takes from each counter, with JSON objects like those of counters. */
const LESS = sql`${SCOPES},
  timed AS (SELECT *, ${month} AS month, ${day} AS day, ${hour} AS hour, ${codeOf(sql`type`)} AS code FROM gone),
  timed_scopes AS (SELECT *, ${month} AS month, ${day} AS day, ${codeOf(sql`type`, sql`roles`)} AS code FROM gone_scopes),
  codes AS (
    SELECT 'log' AS series, ${quarter} AS period, month || ':' || code AS key, count(*) AS n FROM timed GROUP BY 2, 3
    UNION ALL SELECT 'log/day', day, code || '', count(*) FROM timed GROUP BY 2, 3
    UNION ALL SELECT 'log/hour', hour, code || '', count(*) FROM timed GROUP BY 2, 3
    UNION ALL SELECT scope, ${quarter}, month || ':' || code, count(*) FROM timed_scopes GROUP BY 1, 2, 3
  ),
  days AS (
    SELECT scope AS series, ${quarter} AS period, substr(day, 6) || ':' || roles AS key, count(*) AS n
    FROM timed_scopes GROUP BY 1, 2, 3
  ),
  by_code AS MATERIALIZED (SELECT series, period, sum(n) AS n, json_group_object(key, n) AS codes FROM codes GROUP BY 1, 2),
  by_day AS MATERIALIZED (SELECT series, period, json_group_object(key, n) AS days FROM days GROUP BY 1, 2),
  less AS MATERIALIZED (SELECT * FROM by_code LEFT JOIN by_day USING (series, period))`;

/** Takes the slice from the counters. Those of periods without further events go. */
const subtract = (slice: SQL): SQL[] => [
  sql`WITH ${slice}, ${LESS} DELETE FROM counters WHERE (series, period) IN (
      SELECT less.series, less.period FROM less CROSS JOIN counters AS kept
        ON kept.series = less.series AND kept.period = less.period
      WHERE kept.n <= less.n
    )`,
  sql`WITH ${slice}, ${LESS} UPDATE counters
    SET n = counters.n - less.n, codes = ${without("codes")}, days = iif(counters.days IS NULL, NULL, ${without("days")})
    FROM less WHERE counters.series = less.series AND counters.period = less.period`,
];

/** Subtracts a JSON object of numbers key by key. A merge patch removes the keys that are null in it. */
function without(column: "codes" | "days"): SQL {
  const [kept, gone] = [sql.raw(`counters.${column}`), sql.raw(`less.${column}`)];
  return sql`json_patch(${kept}, (
      SELECT json_group_object(key, nullif(json_extract(${kept}, '$."' || key || '"') - value, 0)) FROM json_each(${gone})))`;
}
