import { type SQL, sql } from "drizzle-orm";
import { integer } from "../../db/sql.ts";

/**
 * The time up to which the log is complete (migrations/0021): whatever was answered with 202 before it is stored. It never
 * goes back. A time that is right stays right, so it may be written later than it was found, and by several writers.
 */

/** An assignment of UPDATE commit_watermark. `through`: microseconds. */
export const raised = (through: number): SQL => sql`complete_through = max(complete_through, ${integer(through)})`;

/**
 * Raises the time when it grows by more than `step`, both in microseconds; writes one row, or none.
 */
export const raise = (through: number, step: number): SQL => sql`UPDATE commit_watermark SET ${raised(through)}
  WHERE complete_through < ${integer(through - step)}`;

/** One row, `complete_through`: microseconds, 0 while it is unknown. `is_empty`: 1 when nothing was ever written. */
export const completeness: SQL = sql`SELECT complete_through,
    last_change = 0 AND NOT EXISTS (SELECT 1 FROM events) AS is_empty FROM commit_watermark`;
