import type { SQL } from "drizzle-orm";
import { SQLiteSyncDialect } from "drizzle-orm/sqlite-core";
import * as v from "valibot";
import { literal } from "./d1.ts";

/** A statement with its parameters written into it, as wrangler takes no parameters. Texts and numbers only. */
export function printSql(statement: SQL): string {
  const { sql, params } = new SQLiteSyncDialect().sqlToQuery(statement);
  const values = v.parse(v.array(v.union([v.string(), v.number()])), params).map(literal);
  return `${sql.replaceAll("?", () => values.shift() ?? "?")};`;
}
