import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const users = sqliteTable("users", {
  uuid: text().primaryKey(),
  username: text().notNull(),
  isStaff: integer("is_staff", { mode: "boolean" }).notNull(),
  isSupport: integer("is_support", { mode: "boolean" }).notNull(),
  isActive: integer("is_active", { mode: "boolean" }).notNull(),
  /** Seconds; null for ever. */
  tokenLifetime: integer("token_lifetime"),
});

export const tokens = sqliteTable("tokens", {
  /** SHA-256 of the token, hex. */
  hash: text().primaryKey(),
  userUuid: text("user_uuid").notNull(),
  /** Microseconds. Set anew while the token is used, when its user has a token lifetime. */
  created: integer().notNull(),
  /** Microseconds; null for never. */
  expires: integer(),
  /** Days since 1970. */
  lastUsedDay: integer("last_used_day"),
});

export const roles = sqliteTable("roles", {
  userUuid: text("user_uuid").notNull(),
  scope: text().notNull(),
  scopeType: text("scope_type").notNull(),
  name: text().notNull(),
  customer: text(),
  /** Microseconds; null for never. */
  expires: integer(),
});
