import { desc, sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";

// The migrations describe every table and column, and alone make them STRICT and WITHOUT ROWID. `event_index`,
// `event_terms` and `change_index` are missing here, because Drizzle cannot define FTS5 tables.

const seconds = sql`floor(created / 1e6), 'unixepoch'`;

/** The period (UTC) of a column `created`, as SQL. `quarter` needs a column `month` beside it. */
export const periodOfCreated = {
  month: sql`strftime('%m', ${seconds})`,
  quarter: sql`strftime('%Y-', ${seconds}) || printf('%02d', (month - 1) / 3 * 3 + 1)`,
  day: sql`strftime('%Y-%m-%d', ${seconds})`,
  hour: sql`strftime('%Y-%m-%dT%H', ${seconds})`,
};

/** migrations/0017_earlier_event_types.sql */
export const eventTypes = sqliteTable(
  "event_types",
  { id: integer().primaryKey(), name: text().notNull(), producer: text() },
  (table) => [index("event_types_name").on(table.name, table.id)],
);

/** migrations/0017_earlier_event_types.sql */
export const earlierTypes = sqliteTable(
  "earlier_types",
  { name: text().notNull(), type: integer().notNull() },
  (table) => [primaryKey({ columns: [table.name, table.type] })],
);

/** migrations/0003_events.sql */
export const events = sqliteTable(
  "events",
  {
    id: integer().primaryKey({ autoIncrement: true }),
    uuid: text().notNull(),
    created: integer().notNull(),
    type: integer().notNull(),
    typeName: text("type_name"),
    message: text().notNull(),
    folded: text(),
    context: text().notNull(),
    producer: text().notNull(),
    upstream: integer().notNull(),
    receivedAt: integer("received_at").notNull(),
    content: text(),
    month: text().generatedAlwaysAs(periodOfCreated.month),
    quarter: text().generatedAlwaysAs(periodOfCreated.quarter),
    day: text().generatedAlwaysAs(periodOfCreated.day),
    hour: text().generatedAlwaysAs(periodOfCreated.hour),
  },
  (table) => [
    uniqueIndex("events_uuid").on(table.uuid),
    index("events_order").on(desc(table.created), table.id, table.type),
    index("events_content").on(table.content, table.upstream, table.producer).where(sql`content IS NOT NULL`),
  ],
);

/** migrations/0004_event_scopes.sql */
export const eventScopes = sqliteTable(
  "event_scopes",
  {
    scope: text().notNull(),
    created: integer().notNull(),
    eventId: integer("event_id").notNull(),
    type: integer().notNull(),
    roles: integer().notNull(),
  },
  (table) => [primaryKey({ columns: [table.scope, table.created, table.eventId] })],
);

/** migrations/0005_commit_watermark.sql, 0018_log_sequence.sql, 0020_feed.sql and 0021_complete_through.sql */
export const commitWatermark = sqliteTable("commit_watermark", {
  singleton: integer().primaryKey(),
  lastId: integer("last_id").notNull(),
  epoch: integer().notNull().default(0),
  lastChange: integer("last_change").notNull().default(0),
  denseFrom: integer("dense_from").notNull().default(0),
  incarnation: integer().notNull().default(0),
  deletesPeriod: integer("deletes_period").notNull().default(0),
  markedEnd: integer("marked_end").notNull().default(0),
  hasGaps: integer("has_gaps").notNull().default(0),
  lastPeriod: integer("last_period").notNull().default(0),
  feedKey: text("feed_key").notNull().default(""),
  completeThrough: integer("complete_through").notNull().default(0),
});

/** migrations/0018_log_sequence.sql and 0020_feed.sql */
export const logChanges = sqliteTable(
  "log_changes",
  {
    id: integer().primaryKey(),
    op: text({ enum: ["identity", "removed", "period"] }).notNull(),
    eventId: integer("event_id").notNull(),
    uuid: text(),
    oldUuid: text("old_uuid"),
    upstream: integer(),
    created: integer(),
    type: integer(),
    typeName: text("type_name"),
    scopes: text(),
    createdFrom: integer("created_from"),
    createdTo: integer("created_to"),
    n: integer(),
    lastId: integer("last_id"),
  },
  (table) => [index("log_changes_periods").on(table.id).where(sql`op = 'period'`)],
);

/** migrations/0006_counters.sql and 0018_log_sequence.sql */
export const counters = sqliteTable(
  "counters",
  {
    series: text().notNull(),
    period: text().notNull(),
    n: integer().notNull(),
    minId: integer("min_id").notNull(),
    lastId: integer("last_id").notNull(),
    codes: text().notNull(),
    days: text(),
    changedId: integer("changed_id").notNull().default(0),
  },
  (table) => [primaryKey({ columns: [table.series, table.period] })],
);

/** migrations/0007_search.sql */
export const searchTotals = sqliteTable(
  "search_totals",
  {
    query: text().primaryKey(),
    epoch: integer().notNull(),
    uptoId: integer("upto_id").notNull(),
    n: integer().notNull(),
    isListed: integer("is_listed").notNull().default(0),
    unfinished: text(),
  },
  (table) => [index("search_totals_unfinished").on(table.query).where(sql`unfinished IS NOT NULL`)],
);

/** migrations/0019_search_keys.sql */
export const searchKeys = sqliteTable(
  "search_keys",
  {
    query: text().notNull(),
    uptoId: integer("upto_id").notNull(),
    part: integer().notNull(),
    epoch: integer().notNull(),
    n: integer().notNull(),
    firstCreated: integer("first_created").notNull(),
    lastCreated: integer("last_created").notNull(),
    firstId: integer("first_id").notNull(),
    lastId: integer("last_id").notNull(),
    keys: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.query, table.uptoId, table.part] })],
);

/** migrations/0009_objects.sql */
export const objects = sqliteTable("objects", {
  uuid: text().primaryKey(),
  type: text(),
  customer: text(),
  project: text(),
  backingResource: text("backing_resource"),
  learnedAt: integer("learned_at").notNull(),
  producer: text(),
});

/** migrations/0009_objects.sql */
export const objectMoves = sqliteTable("object_moves", {
  id: integer().primaryKey(),
  object: text().notNull(),
  oldCustomer: text("old_customer").notNull(),
  newCustomer: text("new_customer").notNull(),
  producer: text().notNull(),
  event: text().notNull(),
  receivedAt: integer("received_at").notNull(),
});
