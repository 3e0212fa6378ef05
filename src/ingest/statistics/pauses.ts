import { type SQL, sql } from "drizzle-orm";

/** Days over which the rhythm of a producer is known, and for which the first event after a silence looks for the last one. */
export const RHYTHM_DAYS = 15;

/** The bounds of the histogram of pauses, seconds: a pause counts under the first bound that it does not exceed. */
export const PAUSE_BOUNDS: readonly number[] = [
  ...[1, 2, 5, 10, 20, 30, 60, 120, 180, 300, 600, 900, 1_200, 1_800, 2_700, 3_600],
  ...[5_400, 7_200, 10_800, 14_400, 21_600, 28_800, 43_200, 64_800, 86_400, 129_600, 172_800, 259_200, 345_600],
  ...[604_800, 1_296_000],
];

/** The part of the time that lies in pauses of at most the usual length. */
const USUAL_PART = 0.95;
/** Milliseconds of pauses from which on the rhythm is known: a week, so that a weekend is in it. */
const KNOWN_MS = 6.5 * 86_400_000;

/** The days before one. No list in JSON: each of its elements would be a row read. */
const EARLIER_DAYS = sql.raw(
  Array.from({ length: RHYTHM_DAYS }, (_, index) => `date(sender.day, '-${index + 1} days')`).join(),
);

/** The bound of a silence of microseconds. */
const BOUND = sql.raw(
  `CASE ${PAUSE_BOUNDS.map((bound) => `WHEN silence <= ${bound}000000 THEN ${bound}`).join(" ")} ELSE ${PAUSE_BOUNDS.at(-1)} END`,
);

/**
 * Common table expressions about the receipts of a delivery, a JSON array of [producer, day, receivedAt]: `receipts`, and
 * `pauses` with the time (ms) that each producer was silent before them, by `bound` (seconds). What is no later than the
 * newest receipt that is known counts for nothing, so a delivery that comes again changes nothing. Reads a row for each
 * producer, and up to RHYTHM_DAYS more for its first event of a day.
 */
export const pausesBefore = (receipts: string): SQL => sql`receipts AS MATERIALIZED (
    SELECT value->>0 AS producer, value->>1 AS day, value->>2 AS received FROM json_each(${receipts})
  ),
  senders AS MATERIALIZED (SELECT producer, coalesce(
      (SELECT nullif(last_received, 0) FROM ingest_days AS same WHERE same.day = sender.day AND same.producer = sender.producer),
      (SELECT max(last_received) FROM ingest_days AS earlier WHERE earlier.producer = sender.producer
        AND earlier.day IN (${EARLIER_DAYS})),
      0
    ) AS last FROM (SELECT producer, max(day) AS day FROM receipts GROUP BY producer) AS sender),
  silences AS (
    SELECT receipts.producer AS producer, day, received - max(last, lag(received, 1, 0) OVER (
      PARTITION BY receipts.producer ORDER BY received
    )) AS silence, received FROM receipts JOIN senders ON senders.producer = receipts.producer
  ),
  pauses AS MATERIALIZED (
    SELECT producer, day, ${BOUND} AS bound, sum(silence) / 1000 AS ms
    FROM silences WHERE silence > 0 AND silence < received GROUP BY 1, 2, 3
  )`;

/** The columns last_received and pauses of a new row of ingest_days, from `pausesBefore`. The arguments are columns. */
export const pauseColumns = (producer: SQL, day: SQL): SQL => sql`
  coalesce((SELECT max(received) FROM receipts WHERE receipts.producer = ${producer} AND receipts.day = ${day}), 0),
  (SELECT json_group_object(CAST(bound AS TEXT), ms) FROM pauses WHERE pauses.producer = ${producer} AND pauses.day = ${day})`;

/** Assignments of the same columns to a row that exists. */
export const addPauses: SQL = sql`last_received = max(last_received, excluded.last_received),
    pauses = CASE excluded.pauses WHEN '{}' THEN ingest_days.pauses ELSE (
      SELECT json_group_object(key, total) FROM (SELECT key, sum(value) AS total FROM (
        SELECT key, value FROM json_each(ingest_days.pauses) UNION ALL SELECT key, value FROM json_each(excluded.pauses)
      ) GROUP BY key)
    ) END`;

/**
 * The usual gap between two events, seconds: 95 % of the time lay in pauses up to this length. So nights and weekends are
 * usual, where they come again, and one outage of some hours is not. undefined in the first week. `histograms`: the column
 * pauses of several days.
 */
export function usualGap(histograms: readonly Readonly<Record<string, number>>[]): number | undefined {
  const times = new Map<number, number>();
  for (const [bound, ms] of histograms.flatMap((histogram) => Object.entries(histogram))) {
    times.set(Number(bound), (times.get(Number(bound)) ?? 0) + ms);
  }
  const known = [...times.values()].reduce((sum, ms) => sum + ms, 0);
  if (known < KNOWN_MS) return undefined;
  let seen = 0;
  for (const [bound, ms] of [...times].sort(([a], [b]) => a - b)) {
    seen += ms;
    if (seen >= USUAL_PART * known) return bound;
  }
  return undefined;
}
