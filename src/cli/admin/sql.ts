import type { SQL } from "drizzle-orm";
import { SQLiteAsyncDialect } from "drizzle-orm/sqlite-core";
import { queryAll, type Row, type Target } from "../d1.ts";

const dialect = new SQLiteAsyncDialect();

/** Runs statements of src/events in one call and one transaction; the rows of each. */
export const execute = (target: Target, statements: readonly SQL[]): Promise<Row[][]> =>
  queryAll(target, statements.map((statement) => dialect.sqlToQuery(statement.inlineParams()).sql).join(";\n"));

/** Runs the statements of many parts, a few parts in each call, as a call costs seconds; the rows of each part's first. */
export async function* inParts<T>(
  target: Target,
  parts: readonly T[],
  statementsOf: (part: T) => readonly SQL[],
): AsyncGenerator<Row[]> {
  const perCall = 4;
  for (let start = 0; start < parts.length; start += perCall) {
    const statements = parts.slice(start, start + perCall).map(statementsOf);
    const results = await execute(target, statements.flat());
    let first = 0;
    for (const { length } of statements) {
      yield results[first] ?? [];
      first += length;
    }
  }
}
