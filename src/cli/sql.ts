import { type SQL, type SQLWrapper, sql } from "drizzle-orm";
import { SQLiteSyncDialect } from "drizzle-orm/sqlite-core";
import { drizzle } from "drizzle-orm/sqlite-proxy";
import { Failure } from "./failure.ts";

/** Drizzle's query builder. It only builds statements; `query` in d1.ts runs them. */
export const builder = drizzle(() => Promise.reject(new Error("Pass the statement to query() in d1.ts.")));

/** Writes strings as SQL literals. Inside the quotes of SQLite, only the quote itself is special. */
class InliningDialect extends SQLiteSyncDialect {
  override escapeString(text: string): string {
    if (text.includes("\0")) throw new Failure("Text with a NUL character cannot be stored.");
    return `'${text.replaceAll("'", "''")}'`;
  }
}

const dialect = new InliningDialect();

/** The text of a statement with its parameters as literals, because `wrangler d1 execute` takes no parameters. */
export const sqlText = (statement: SQLWrapper): string =>
  dialect.sqlToQuery(sql`${statement.getSQL()}`.inlineParams()).sql;

/** Unlike LIKE, compares case and knows no wildcards. */
export const startsWith = (column: SQLWrapper, prefix: string): SQL =>
  sql`substr(${column}, 1, ${prefix.length}) = ${prefix}`;
