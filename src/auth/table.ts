import { integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

// The migrations describe every table and column, and alone make them STRICT and WITHOUT ROWID.

/** migrations/0010_users_and_tokens.sql */
export const users = sqliteTable("users", {
  uuid: text().primaryKey(),
  username: text().notNull().unique(),
  isStaff: integer("is_staff", { mode: "boolean" }).notNull().default(false),
  isSupport: integer("is_support", { mode: "boolean" }).notNull().default(false),
  isActive: integer("is_active", { mode: "boolean" }).notNull().default(true),
  /** Seconds; null for ever. */
  tokenLifetime: integer("token_lifetime"),
});

/** migrations/0010_users_and_tokens.sql */
export const tokens = sqliteTable("tokens", {
  /** SHA-256 of the token, hex. */
  hash: text().primaryKey(),
  userUuid: text("user_uuid")
    .notNull()
    .references(() => users.uuid),
  /** Microseconds. Set anew while the token is used, when its user has a token lifetime. */
  created: integer().notNull(),
  /** Microseconds; null for never. */
  expires: integer(),
  /** Days since 1970. */
  lastUsedDay: integer("last_used_day"),
});

/** migrations/0011_roles.sql */
export const roles = sqliteTable(
  "roles",
  {
    userUuid: text("user_uuid")
      .notNull()
      .references(() => users.uuid),
    scope: text().notNull(),
    scopeType: text("scope_type").notNull(),
    name: text().notNull(),
    customer: text(),
    /** Microseconds; null for never. */
    expires: integer(),
  },
  (table) => [primaryKey({ columns: [table.userUuid, table.scope, table.name] })],
);
