import type { SQLWrapper } from "drizzle-orm";
import { type DrizzleD1Database, drizzle } from "drizzle-orm/d1";
import { SQLiteAsyncDialect } from "drizzle-orm/sqlite-core";

/** A Drizzle client, with its D1 binding. */
export type Database = DrizzleD1Database & { $client: D1Database };

/** What Drizzle and our own code call of a D1 database. */
export type D1Calls = Pick<D1Database, "prepare" | "batch">;

/** A Drizzle client for a D1 binding, or for something that passes its calls on. */
export const database = (binding: D1Calls): Database => drizzle(binding as D1Database);

const dialect = new SQLiteAsyncDialect();

/** A statement, of the query builder or raw, with its parameters bound. */
export function prepared(binding: Pick<D1Database, "prepare">, statement: SQLWrapper): D1PreparedStatement {
  const { sql, params } = dialect.sqlToQuery(statement.getSQL());
  return binding.prepare(sql).bind(...params);
}

/**
 * Runs statements as one D1 batch: one round trip, one transaction. Returns rows under the column names of the database.
 * Drizzle's own `batch` cannot take parameters of raw SQL (its D1 session prepares only statements of the query builder).
 */
export const runBatch = (
  db: Database,
  statements: readonly SQLWrapper[],
): Promise<D1Result<Record<string, unknown>>[]> =>
  db.$client.batch(statements.map((statement) => prepared(db.$client, statement)));

/** Runs groups of statements as one batch, in their order. Returns the results by group. */
export async function runGroups<Group extends string>(
  db: Database,
  groups: Readonly<Record<Group, readonly SQLWrapper[]>>,
): Promise<Record<Group, D1Result<Record<string, unknown>>[]>> {
  const named = Object.entries<readonly SQLWrapper[]>(groups);
  const results = await runBatch(
    db,
    named.flatMap(([, statements]) => statements),
  );
  const grouped = named.map(([name, { length }]) => [name, results.splice(0, length)]);
  return Object.fromEntries(grouped);
}
