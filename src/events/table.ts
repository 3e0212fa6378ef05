import { sql } from "drizzle-orm";
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

const seconds = sql`floor(created / 1e6), 'unixepoch'`;

/** The period (UTC) of a column `created`, as SQL. `quarter` needs a column `month` beside it. */
export const periodOfCreated = {
  month: sql`strftime('%m', ${seconds})`,
  quarter: sql`strftime('%Y-', ${seconds}) || printf('%02d', (month - 1) / 3 * 3 + 1)`,
  day: sql`strftime('%Y-%m-%d', ${seconds})`,
  hour: sql`strftime('%Y-%m-%dT%H', ${seconds})`,
};

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
  month: text().generatedAlwaysAs(periodOfCreated.month),
  quarter: text().generatedAlwaysAs(periodOfCreated.quarter),
  day: text().generatedAlwaysAs(periodOfCreated.day),
  hour: text().generatedAlwaysAs(periodOfCreated.hour),
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
