import { sql } from "drizzle-orm";
import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

// The migrations describe every table and column, and alone make them STRICT and WITHOUT ROWID.

export const RUN_STATES = ["running", "paused", "stopped"] as const;
export const WINDOW_STATES = ["read", "equal", "counted", "unequal", "failed"] as const;
export const DIFFERENCES = ["missing", "extra", "altered", "refused"] as const;

/** migrations/0022_mirror.sql */
export const mirrorRun = sqliteTable("mirror_run", {
  singleton: integer().primaryKey(),
  state: text({ enum: RUN_STATES }).notNull(),
  reason: text().notNull().default(""),
  sentence: text().notNull().default(""),
  upstream: text().notNull().default(""),
  incarnation: integer().notNull().default(1),
  startedAt: integer("started_at").notNull(),
  historyFrom: integer("history_from"),
  cursor: integer(),
  tailThrough: integer("tail_through").notNull().default(0),
  total: integer().notNull().default(0),
  width: integer().notNull().default(86_400),
  page: integer().notNull().default(1),
  seen: integer().notNull().default(0),
  requests: integer().notNull().default(0),
  failures: integer().notNull().default(0),
  resumeAt: integer("resume_at").notNull().default(0),
  skew: integer().notNull().default(0),
  verification: text(),
  lease: text().notNull().default(""),
  leaseUntil: integer("lease_until").notNull().default(0),
});

/** migrations/0022_mirror.sql */
export const mirrorWindows = sqliteTable(
  "mirror_windows",
  {
    fromS: integer("from_s").primaryKey(),
    toS: integer("to_s").notNull(),
    state: text({ enum: WINDOW_STATES }).notNull(),
    theirs: integer().notNull(),
    ours: integer().notNull().default(0),
    digest: text().notNull().default(""),
    requests: integer().notNull().default(0),
    tries: integer().notNull().default(0),
    rounds: integer().notNull().default(0),
    readAt: integer("read_at").notNull(),
    nextAt: integer("next_at"),
    sentence: text().notNull().default(""),
  },
  (table) => [
    index("mirror_windows_due").on(table.nextAt).where(sql`next_at IS NOT NULL`),
    index("mirror_windows_open").on(table.fromS).where(sql`state <> 'equal'`),
  ],
);

/** migrations/0022_mirror.sql */
export const mirrorDifferences = sqliteTable("mirror_differences", {
  uuid: text().primaryKey(),
  kind: text({ enum: DIFFERENCES }).notNull(),
  created: integer().notNull(),
  seenAt: integer("seen_at").notNull(),
  detail: text().notNull().default(""),
});
