import { type SQL, sql } from "drizzle-orm";
import { DENSE_FROM, END } from "./sequence.ts";

/** The number of ids in one part: a statement over it is far below the 30 seconds of D1. */
export const PART_ENTRIES = 50_000;

/**
 * One row about the log: its `end`, up to where it has gaps (`dense_from`), its `incarnation`, and the entries since then
 * that are no stored event: `changes`, `removed` events, and events in removed `periods`.
 */
export const logSummary: SQL = sql`WITH state AS MATERIALIZED (
    SELECT ${END} AS "end", ${DENSE_FROM} AS dense_from, incarnation FROM commit_watermark
  )
  SELECT *, (SELECT count(*) FROM log_changes WHERE id > dense_from) AS changes,
    (SELECT count(*) FROM log_changes WHERE id > dense_from AND op = 'removed' AND event_id > dense_from) AS removed,
    (SELECT coalesce(sum(n), 0) FROM log_changes WHERE id > dense_from AND op = 'period') AS periods
  FROM state`;

/** One row about the ids after one, up to another: the number of `events`, and of numbers that are used `twice`. */
export const entriesBetween = (after: number, until: number): SQL => sql`SELECT
    (SELECT count(*) FROM events WHERE id > ${after} AND id <= ${until}) AS events,
    (SELECT count(*) FROM log_changes CROSS JOIN events ON events.id = log_changes.id
      WHERE log_changes.id > ${after} AND log_changes.id <= ${until})
    + (SELECT count(*) FROM log_changes CROSS JOIN events ON events.id = log_changes.event_id
      WHERE log_changes.id > ${after} AND log_changes.id <= ${until} AND op = 'removed') AS twice`;
