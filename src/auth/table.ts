import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const users = sqliteTable("users", {
  uuid: text().primaryKey(),
  username: text().notNull(),
  isStaff: integer("is_staff", { mode: "boolean" }).notNull(),
  isSupport: integer("is_support", { mode: "boolean" }).notNull(),
  isActive: integer("is_active", { mode: "boolean" }).notNull(),
});

export const tokens = sqliteTable("tokens", {
  /** SHA-256 of the token, hex. */
  hash: text().primaryKey(),
  userUuid: text("user_uuid").notNull(),
  /** Microseconds. */
  created: integer().notNull(),
});
