import { reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";

/**
 * The last migration of the databases that exist. They may hold millions of events when a later one runs, and wrangler sends
 * a migration as one call, which D1 ends after 30 s (https://developers.cloudflare.com/d1/platform/limits/).
 */
const BASE = "0016_dead_letter_states.sql";

const FEW = 200;
const MANY = 2_000;
/** Rows for an event, read and written, up to which a migration does not grow with the events: rounding. */
const NONE = 0.01;

/** The events of a full database: 10 GB, at the bytes for an event that src/events/README.md has. */
const EVENTS_OF_A_FULL_DATABASE = 5_600_000;
/** Rows a second: an assumption, which the local engine reaches. Cloudflare does not say how many its own does. */
const ROWS_PER_SECOND = 100_000;
const SECONDS_OF_A_CALL = 30;

/** Migrations that have to touch the events: name without number → why, and the rows for an event. */
const GROWING: Readonly<Record<string, { rowsPerEvent: number; why: string }>> = {};

interface Migration {
  name: string;
  queries: readonly string[];
}

const base = env.TEST_MIGRATIONS.filter(({ name }) => name <= BASE);
const later = env.TEST_MIGRATIONS.filter(({ name }) => name > BASE);

/** As many rows in each table that grows with the log. In SQL: the code knows the newest schema only, this is the one of BASE. */
const filled = (events: number): string[] => {
  const numbers = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${events})`;
  const uuid = "printf('%032x', i)";
  return [
    `${numbers} INSERT INTO events (uuid, created, type, message, context, producer, upstream, received_at, content)
      SELECT ${uuid}, 1.7e15 + i * 1e9, 1 + i % 20, 'Event ' || i, '{"customer_uuid":"' || ${uuid} || '"}', 'waldur', 0, 1.7e15, ${uuid} FROM n`,
    `${numbers} INSERT INTO event_scopes (scope, created, event_id, type, roles) SELECT ${uuid}, 1.7e15 + i * 1e9, i, 1, 1 FROM n`,
    `${numbers} INSERT INTO event_index (rowid, terms) SELECT i, 'type:' || i || ' abc' FROM n`,
    `${numbers} INSERT INTO counters (series, period, n, min_id, last_id, codes, days) SELECT ${uuid}, '2026-07', 1, i, i, '{}', '{}' FROM n`,
    `${numbers} INSERT INTO event_types (id, name, producer) SELECT 1000 + i, 'odd ' || i, 'waldur' FROM n WHERE i <= 100`,
    `UPDATE commit_watermark SET last_id = ${events}`,
  ];
};

/** The rows that each migration reads and writes in a database with so many events. */
async function rowsOf(migrations: readonly Migration[], events: number): Promise<Map<string, number>> {
  await reset();
  for (const query of [...base.flatMap(({ queries }) => queries), ...filled(events)]) await env.DB.prepare(query).run();
  const rows = new Map<string, number>();
  for (const { name, queries } of migrations) {
    for (const query of queries) {
      const { meta } = await env.DB.prepare(query).run();
      rows.set(name, (rows.get(name) ?? 0) + meta.rows_read + meta.rows_written);
    }
  }
  return rows;
}

/** The rows that each migration costs for each event more, where it costs any. */
async function growing(migrations: readonly Migration[]): Promise<Record<string, number>> {
  const few = await rowsOf(migrations, FEW);
  const many = await rowsOf(migrations, MANY);
  const perEvent = migrations.map(({ name }): [string, number] => [
    name.replace(/^\d+_|\.sql$/g, ""),
    ((many.get(name) ?? 0) - (few.get(name) ?? 0)) / (MANY - FEW),
  ]);
  return Object.fromEntries(perEvent.filter(([, rows]) => rows > NONE));
}

describe("a migration of a database with many events", () => {
  it("reads and writes no rows for them, unless it must, and then takes less than 30 seconds when it is full", async () => {
    const found = await growing(later);
    expect(Object.keys(found)).toEqual(Object.keys(GROWING));
    for (const [name, { rowsPerEvent, why }] of Object.entries(GROWING)) {
      expect(why).toMatch(/\.$/);
      expect(found[name]).toBeLessThanOrEqual(rowsPerEvent);
      expect((rowsPerEvent * EVENTS_OF_A_FULL_DATABASE) / ROWS_PER_SECOND).toBeLessThan(SECONDS_OF_A_CALL);
    }
  });

  it.each([
    ["an index on events", "CREATE INDEX planted ON events (type)", 2],
    ["a change of each event", "UPDATE events SET upstream = 1", 1],
    ["a copy of a table", "CREATE TABLE planted AS SELECT scope FROM event_scopes", 1],
    ["a search through all events", "CREATE TABLE planted AS SELECT max(message) FROM events", 1],
  ])("is found that has %s", async (_, query, atLeast) => {
    const { planted = 0 } = await growing([{ name: "9999_planted.sql", queries: [query] }]);
    expect(planted).toBeGreaterThanOrEqual(atLeast);
  });

  it.each([
    "ALTER TABLE events ADD COLUMN planted INTEGER NOT NULL DEFAULT 0",
    "CREATE TABLE planted (a INTEGER)",
    "UPDATE commit_watermark SET epoch = epoch + 1",
    "UPDATE commit_watermark SET last_id = (SELECT max(id) FROM events)",
  ])("may do this: %s", async (query) => {
    expect(await growing([{ name: "9999_planted.sql", queries: [query] }])).toEqual({});
  });
});
