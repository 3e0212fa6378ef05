import { type SQL, sql } from "drizzle-orm";

/** An integer as SQL text. A bound JavaScript number is a real, which FTS5 ignores as a bound of rowid. */
export const integer = (value: number): SQL => sql.raw(String(Math.trunc(value)));
