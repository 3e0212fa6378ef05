import { type SQL, sql } from "drizzle-orm";

/** One row, `events`: how many events are in the log. Reads a counter for each quarter. */
export const countStored: SQL = sql`SELECT coalesce(sum(n), 0) AS events FROM counters WHERE series = 'log'`;
