import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** The log; columns are described in migrations/0003_events.sql. Times in microseconds since 1970. */
export const events = sqliteTable("events", {
  id: integer().primaryKey({ autoIncrement: true }),
  uuid: text().notNull(),
  created: integer().notNull(),
  type: integer().notNull(),
  message: text().notNull(),
  folded: text(),
  context: text().notNull(),
  producer: text().notNull(),
  receivedAt: integer("received_at").notNull(),
  content: text(),
});

/** One row for each object an event concerns; `roles` are bits of scopes.ts. */
export const eventScopes = sqliteTable("event_scopes", {
  scope: text().notNull(),
  created: integer().notNull(),
  eventId: integer("event_id").notNull(),
  type: integer().notNull(),
  roles: integer().notNull(),
});

/** Names of event types; numbers below 1000 are the catalogue's. */
export const eventTypes = sqliteTable("event_types", {
  id: integer().primaryKey(),
  name: text().notNull(),
});
