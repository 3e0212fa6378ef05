import { type SQL, sql } from "drizzle-orm";
import { END } from "./sequence.ts";

/**
 * A restore of the database to an earlier time takes entries of the log back, and their numbers are used again. The
 * incarnation of the log tells the two apart. It is a time, so that of two incarnations the greater one is the later.
 */

/** An entry, by what no change of it changes: of an event its content and its receipt. NULL when the event is deleted. */
const entryAt = (id: SQL): SQL => sql`coalesce(
    (SELECT coalesce(content, uuid) || ' ' || received_at FROM events WHERE id = ${id}),
    (SELECT op || ' ' || event_id || ' ' || coalesce(uuid, created_to) FROM log_changes WHERE id = ${id})
  )`;

/**
 * One row: how far the log has come. `incarnation`, `end`, `entry`: what the entry at the end is, equal for equal entries
 * only; `entry_there`: the entry at another number, NULL where an event was deleted.
 */
export const logState = (there: number): SQL =>
  sql`WITH state AS MATERIALIZED (SELECT incarnation, ${END} AS ended FROM commit_watermark)
    SELECT incarnation, ended AS "end", ${entryAt(sql`ended`)} AS entry, ${entryAt(sql`${there}`)} AS entry_there FROM state`;

/**
 * Begins another incarnation: no ETag, page token and kept total of this one is used any more. Returns one row,
 * `incarnation`, or none when the current one is not as `expected`. `now` in milliseconds.
 */
export const beginIncarnation = (now: number, expected?: number): SQL => sql`UPDATE commit_watermark
  SET epoch = epoch + 1, incarnation = max(incarnation + 1, ${now})
  WHERE ${expected === undefined ? sql`1` : sql`incarnation = ${expected}`} RETURNING incarnation`;
