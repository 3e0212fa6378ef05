import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { cp, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { migrateFile } from "../../src/cli/local-d1.ts";
import { LocalDatabase } from "./local-database.ts";
import { freePort } from "./local-server.ts";
import { hasPrinted, ProjectCopy, type Run } from "./project-copy.ts";
import { deadline, Traffic } from "./traffic.ts";

/*
 * Rehearses the first half of a deploy: migrations are applied, one after the other, while a Worker answers requests and stores
 * events. The other half, the upload, is Cloudflare's. Not with wrangler, as the deploy does: locally it opens the file beside
 * the server, and fails where it meets a lock of that one; on Cloudflare one process has the database. The Worker of the release before is not in a clone
 * without its history, so the Worker of now takes its part, in two ways: as the newer one, on the schema before the feed, which
 * it does not fit; and as the older one, on a schema that has more than it knows.
 */

/** The last migration before the feed. */
const BEFORE_THE_FEED = "0019_search_keys.sql";

/** What a later release may do, as those before did: columns, a table, an index, a trigger; it writes the one row of the log. */
const LATER = `-- A later release.
ALTER TABLE commit_watermark ADD COLUMN later INTEGER NOT NULL DEFAULT 0;
ALTER TABLE events ADD COLUMN later TEXT;
CREATE TABLE later_things (id INTEGER PRIMARY KEY, event INTEGER NOT NULL) STRICT;
CREATE INDEX later_things_event ON later_things (event);
CREATE TRIGGER later_stored AFTER INSERT ON events BEGIN INSERT INTO later_things (event) VALUES (NEW.id); END;
UPDATE commit_watermark SET later = 1, epoch = epoch + 1;
`;

const TOKEN = "0123456789abcdef0123456789abcdef01234567";
const SECRET = "secret-of-an-upgraded-server";
const EVENTS = 3_000;
const CUSTOMER = "c".repeat(32);
/** Answered requests of each kind before the migration, and after it. */
const ANSWERS = 40;
/** Seconds. The longest time in which a kind of request may be refused; src/cli/deploy/README.md says it. */
const LONGEST = 5;
/** The longest time until everything that was accepted is stored. */
const STORED_MS = 60_000;
const POLL_MS = 100;
/** Ends a test that hangs. */
const HANGING = { timeout: 300_000 };

/** What the log had before, in the SQL of the schema before the feed. */
const EARLIER = [
  `WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < ${EVENTS})
    INSERT INTO events (id, uuid, created, type, message, context, producer, upstream, received_at)
    SELECT i, printf('%032x', i * 7919), 1750000000000000 + i * 60000000, 1 + i % 340, 'Earlier event ' || i,
      json_object('customer_uuid', '${CUSTOMER}'), 'waldur', 0, 1750000000000000 + i * 60000000 FROM numbers`,
  "INSERT INTO event_scopes (scope, created, event_id, type, roles) SELECT context->>'customer_uuid', created, id, type, 3 FROM events",
  "DELETE FROM events WHERE id % 100 = 0",
];
const KEPT = EVENTS - EVENTS / 100;

const cleanUp: (() => Promise<unknown>)[] = [];
after(async () => {
  for (const step of cleanUp.toReversed()) await step();
});

interface Rehearsal {
  database: LocalDatabase;
  url: string;
  /** Applies the migrations that are left. */
  upgrade: () => Promise<void>;
}

/** A server on a database with earlier events that has the migrations up to one. The others wait in `later`. */
async function rehearsal(last: string, later: Readonly<Record<string, string>> = {}): Promise<Rehearsal> {
  const copy = await ProjectCopy.create();
  cleanUp.push(() => copy.remove());
  const database = await LocalDatabase.missing();
  cleanUp.push(() => database.remove());
  const folder = join(dirname(copy.devVars), "migrations");
  const waiting = `${folder}-of-later`;
  await cp(folder, waiting, { recursive: true });
  for (const [name, text] of Object.entries(later)) await writeFile(join(waiting, name), text);
  const names = readdirSync(folder).filter((name) => name > last);
  for (const name of names) await rename(join(folder, name), join(dirname(copy.devVars), name));
  migrateFile(database.target.stateDir, folder);
  await database.query(...EARLIER);
  for (const repaired of ["counters", "search"]) await database.admin(repaired, "rebuild");
  const url = await started(copy, database);
  const upgrade = async () => {
    for (const name of readdirSync(waiting).toSorted()) {
      await cp(join(waiting, name), join(folder, name));
      migrateFile(database.target.stateDir, folder);
    }
  };
  return { database, url, upgrade };
}

async function started(copy: ProjectCopy, database: LocalDatabase): Promise<string> {
  const PORT = String(await freePort());
  const env = {
    PORT,
    STAFF_TOKEN: TOKEN,
    INGEST_SECRET: SECRET,
    STATE_DIR: database.target.stateDir,
    SAMPLE_EVENTS: "0",
  };
  const run = await copy.start("", { ...env, AUTH: "local" });
  cleanUp.push(() => stopped(run));
  await hasPrinted(run, "Ready at");
  return `http://127.0.0.1:${PORT}`;
}

async function stopped({ child }: Run): Promise<void> {
  const ended = once(child, "close");
  child.kill("SIGTERM");
  await ended;
}

/** Reads and sends while the migrations are applied; returns how it went, and what was accepted. */
async function upgradedUnderTraffic({ url, upgrade }: Rehearsal) {
  const headers = { Authorization: `Token ${TOKEN}` };
  const read = (path: string) => () => fetch(`${url}${path}`, { headers, signal: deadline() });
  const accepted: string[] = [];
  const traffic = new Traffic();
  traffic.start("list", read(`/api/events/?page_size=50&field=uuid`));
  traffic.start("customer", read(`/api/events/?customer_uuid=${CUSTOMER}&field=uuid`));
  traffic.start("search", read("/api/events/count/?message=event%2017"));
  traffic.start(
    "ingest",
    (number) => sent(url, number),
    (number, status) => status === 202 && accepted.push(uuidOf(number)),
  );
  try {
    await traffic.more(ANSWERS);
    const start = performance.now();
    await upgrade();
    const migrated = performance.now();
    await traffic.more(ANSWERS);
    return { traffic, accepted, took: (migrated - start) / 1000, migrated };
  } finally {
    await traffic.stop();
  }
}

const uuidOf = (number: number): string => number.toString(16).padStart(32, "a");

function sent(url: string, number: number): Promise<Response> {
  const headers = { Authorization: `Bearer ${SECRET}`, "Content-Type": "application/json" };
  const event = {
    uuid: uuidOf(number),
    event_type: "user_activated",
    message: `New event ${number}`,
    created: "2026-11-01T00:00:00Z",
  };
  return fetch(`${url}/ingest/local`, { method: "POST", headers, body: JSON.stringify(event), signal: deadline() });
}

/** Waits until so many events are stored. Throws an error when that takes too long. */
async function allStored(database: LocalDatabase, expected: number): Promise<void> {
  const until = performance.now() + STORED_MS;
  const stored = async () => Number((await database.query("SELECT count(*) AS n FROM events"))[0]?.n);
  while ((await stored()) < expected) {
    if (performance.now() > until) throw new Error(`${await stored()} of ${expected} events are stored.`);
    await sleep(POLL_MS);
  }
}

/** The log has the earlier events and each accepted one, once, and everything that is computed of it is right. */
async function assertWhole(database: LocalDatabase, accepted: readonly string[]): Promise<void> {
  const rows = await database.query("SELECT uuid FROM events WHERE message GLOB 'New event *' ORDER BY uuid");
  assert.deepEqual(
    rows.map(({ uuid }) => uuid),
    accepted.toSorted(),
  );
  const [earlier] = await database.query("SELECT count(*) AS n FROM events WHERE message GLOB 'Earlier event *'");
  assert.equal(earlier?.n, KEPT);
  for (const command of [
    ["log", "check"],
    ["counters", "verify"],
  ]) {
    const { code, stdout, stderr } = await database.admin(...command);
    assert.equal(code, 0, stdout + stderr);
  }
  assert.equal((await database.admin("search", "rebuild")).stdout, "0 events indexed.\n");
  assert.equal(
    (await database.admin("dead-letters", "list")).stdout,
    "No dead letter waits; discarded ones are not listed.\n",
  );
}

function print(
  what: string,
  { traffic, took }: Awaited<ReturnType<typeof upgradedUnderTraffic>>,
  stored: number,
): void {
  const kinds = Object.entries(traffic.report()).map(
    ([kind, { answers, refused, statuses, longest }]) =>
      `${kind} ${refused} of ${answers} refused (${statuses}), for ${longest} s at the longest`,
  );
  console.log(
    `${what}: migrations ${took.toFixed(1)} s, everything stored ${stored.toFixed(1)} s later; ${kinds.join("; ")}`,
  );
}

describe("while the migrations of a release are applied to a log that is read and written,", () => {
  it("a Worker that is older than they are refuses nothing for long, and loses nothing", HANGING, async () => {
    const last =
      readdirSync(join(import.meta.dirname, "../../migrations"))
        .toSorted()
        .at(-1) ?? "";
    const rehearsed = await rehearsal(last, { "9999_later.sql": LATER });

    const result = await upgradedUnderTraffic(rehearsed);

    await allStored(rehearsed.database, KEPT + result.accepted.length);
    print("older Worker", result, (performance.now() - result.migrated) / 1000);
    for (const { longest } of Object.values(result.traffic.report())) assert.ok(longest <= LONGEST, `${longest} s`);
    await assertWhole(rehearsed.database, result.accepted);
    const [later] = await rehearsed.database.query("SELECT count(*) AS n FROM later_things");
    assert.ok(Number(later?.n) >= ANSWERS, "events were stored after the migration");
  });

  it(
    "a Worker that is newer goes on reading and accepting, and stores what it has accepted after them",
    HANGING,
    async () => {
      const rehearsed = await rehearsal(BEFORE_THE_FEED);
      const { database, url } = rehearsed;

      const result = await upgradedUnderTraffic(rehearsed);

      await allStored(database, KEPT + result.accepted.length);
      print("newer Worker", result, (performance.now() - result.migrated) / 1000);
      for (const { longest } of Object.values(result.traffic.report())) assert.ok(longest <= LONGEST, `${longest} s`);
      await assertWhole(database, result.accepted);
      const headers = { Authorization: `Token ${TOKEN}` };
      assert.equal((await fetch(`${url}/api/events/feed/?limit=1`, { headers })).status, 200);
    },
  );
});
