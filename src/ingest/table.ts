import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** Who may send events. */
export const producers = sqliteTable("producers", {
  name: text().primaryKey(),
  auth: text().notNull(),
  secrets: text().notNull(),
  tolerance: integer().notNull(),
  maxBacklog: integer("max_backlog"),
  isActive: integer("is_active").notNull(),
  created: integer().notNull(),
  updated: integer().notNull(),
});

/** Accepted events that could not be written, and queue messages that cannot be read. */
export const deadLetters = sqliteTable("dead_letters", {
  id: text().primaryKey(),
  reason: text().notNull(),
  detail: text().notNull(),
  producer: text(),
  uuid: text(),
  content: text(),
  attempts: integer().notNull(),
  firstSeen: integer("first_seen").notNull(),
  lastSeen: integer("last_seen").notNull(),
  state: text({ enum: ["dead", "replay", "sent"] }).notNull(),
  body: text(),
});
