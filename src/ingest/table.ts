import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { AUTHENTICATIONS, DEFAULT_TOLERANCE, FORMAT_NAMES } from "./producers/schemes.ts";

// The migrations describe every table and column, and alone make them STRICT and WITHOUT ROWID.

/** migrations/0012_producers.sql */
export const producers = sqliteTable("producers", {
  name: text().primaryKey(),
  auth: text({ enum: AUTHENTICATIONS }).notNull(),
  secrets: text().notNull(),
  tolerance: integer().notNull().default(DEFAULT_TOLERANCE),
  maxBacklog: integer("max_backlog"),
  tellsPlaces: integer("tells_places").notNull().default(0),
  isUpstream: integer("is_upstream").notNull().default(0),
  format: text({ enum: FORMAT_NAMES }),
  types: text(),
  customers: text(),
  maxRate: integer("max_rate"),
  dailyQuota: integer("daily_quota"),
  isActive: integer("is_active").notNull().default(1),
  created: integer().notNull(),
  updated: integer().notNull(),
});

/** migrations/0015_discarded_dead_letters.sql, 0016_dead_letter_states.sql */
export const deadLetters = sqliteTable(
  "dead_letters",
  {
    id: text().primaryKey(),
    reason: text().notNull(),
    detail: text().notNull(),
    producer: text(),
    uuid: text(),
    content: text(),
    day: text(),
    attempts: integer().notNull(),
    firstSeen: integer("first_seen").notNull(),
    lastSeen: integer("last_seen").notNull(),
    discarded: integer(),
    state: text({ enum: ["dead", "replay", "sent", "stored", "discarded"] })
      .notNull()
      .default("dead"),
    body: text(),
  },
  (table) => [index("dead_letters_uuid").on(table.uuid), index("dead_letters_state").on(table.state, table.lastSeen)],
);

/** migrations/0014_ingest_statistics.sql, 0023_operations.sql */
export const ingestDays = sqliteTable(
  "ingest_days",
  {
    producer: text().notNull(),
    day: text().notNull(),
    accepted: integer().notNull().default(0),
    stored: integer().notNull().default(0),
    duplicates: integer().notNull().default(0),
    dead: integer().notNull().default(0),
    lag: text().notNull().default("{}"),
    lastReceived: integer("last_received").notNull().default(0),
    pauses: text().notNull().default("{}"),
  },
  (table) => [primaryKey({ columns: [table.day, table.producer] })],
);

/** migrations/0014_ingest_statistics.sql */
export const ingestRejections = sqliteTable(
  "ingest_rejections",
  {
    producer: text().notNull(),
    day: text().notNull(),
    reason: text().notNull(),
    requests: integer().notNull(),
  },
  (table) => [primaryKey({ columns: [table.day, table.producer, table.reason] })],
);
