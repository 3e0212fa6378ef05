import { type SQL, sql } from "drizzle-orm";
import { SQLiteAsyncDialect } from "drizzle-orm/sqlite-core";

const dialect = new SQLiteAsyncDialect();

/** An integer as SQL text. A bound JavaScript number is a real, which FTS5 ignores as a bound of rowid. */
export const integer = (value: number): SQL => sql.raw(String(Math.trunc(value)));

/** A part of SQL without parameters as text, so that Drizzle builds it once and not with each statement. */
export function textOf(part: SQL): string {
  const { sql: text, params } = dialect.sqlToQuery(part);
  if (params.length > 0) throw new Error(`Parameters cannot be text: ${text}`);
  return text;
}
