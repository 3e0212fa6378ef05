import type { SQL } from "drizzle-orm";
import { type DrizzleD1Database, drizzle } from "drizzle-orm/d1";
import { SQLiteAsyncDialect } from "drizzle-orm/sqlite-core";

export type Database = DrizzleD1Database & { $client: D1Database };

/** The D1 binding as a Drizzle client. */
export const database = (binding: D1Database): Database => drizzle(binding);

const dialect = new SQLiteAsyncDialect();

/**
 * Runs raw SQL statements as one D1 batch: one round trip, one transaction. Drizzle's own `batch` cannot take
 * parameters of raw SQL (its D1 session prepares only statements of the query builder).
 */
export function runBatch(db: Database, statements: readonly SQL[]): Promise<D1Result<Record<string, unknown>>[]> {
  return db.$client.batch(
    statements.map((statement) => {
      const { sql, params } = dialect.sqlToQuery(statement);
      return db.$client.prepare(sql).bind(...params);
    }),
  );
}
