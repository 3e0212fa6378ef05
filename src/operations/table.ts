import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** migrations/0023_operations.sql */
export const operations = sqliteTable("operations", {
  singleton: integer().primaryKey(),
  at: integer().notNull(),
  numbers: text().notNull(),
});
