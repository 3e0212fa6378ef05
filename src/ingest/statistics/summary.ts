import { type SQL, sql } from "drizzle-orm";

/** Producers that are looked at; a deployment with more of them is told so (edge_events_producers). */
export const MAX_PRODUCERS_READ = 1_000;
/** Dead letters that are counted in each state: one entry of an index each. */
export const MAX_LETTERS_COUNTED = 10_000;

/** What is counted by days: those from a day on, or those before it (`2026-11-25`). */
export type Days = { from: string } | { before: string };

const within = (days: Days): SQL => ("from" in days ? sql`day >= ${days.from}` : sql`day < ${days.before}`);

/** One row: the events that were `accepted`, `stored`, and `duplicates`. Reads a row for each producer and day. */
export const countEvents = (days: Days): SQL => sql`SELECT coalesce(sum(accepted), 0) AS accepted,
    coalesce(sum(stored), 0) AS stored, coalesce(sum(duplicates), 0) AS duplicates
  FROM ingest_days WHERE ${within(days)}`;

/** Rows `reason` and `requests`. Reads a row for each producer, day and reason. */
export const countRejections = (days: Days): SQL => sql`SELECT reason, sum(requests) AS requests
  FROM ingest_rejections WHERE ${within(days)} GROUP BY reason`;

/**
 * Rows about the producers that have sent events since a day and may still send: `producer`, when its newest event was
 * received (`last`, microseconds), and its histograms of pauses, a JSON array. Reads a row for each producer and day.
 */
export const producersSince = (day: string): SQL => sql`SELECT producer, max(last_received) AS last,
    json_group_array(json(pauses)) AS pauses
  FROM ingest_days WHERE day >= ${day} AND producer NOT IN (SELECT name FROM producers WHERE is_active = 0)
  GROUP BY producer HAVING max(last_received) > 0 ORDER BY producer LIMIT ${MAX_PRODUCERS_READ}`;

/** A row for each state in which a dead letter waits: `letters`, at most MAX_LETTERS_COUNTED, and when the first came there. */
export const countLetters: SQL = sql.join(
  ["dead", "replay", "sent"].map(
    (state) => sql`SELECT ${state} AS state, count(*) AS letters, min(last_seen) AS oldest
      FROM (SELECT last_seen FROM dead_letters WHERE state = ${state} ORDER BY last_seen LIMIT ${MAX_LETTERS_COUNTED})`,
  ),
  sql` UNION ALL `,
);
