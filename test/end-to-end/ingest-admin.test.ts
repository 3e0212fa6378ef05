import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { applyMigrations, query } from "../../src/cli/d1.ts";

const ADMIN = resolve(import.meta.dirname, "../../src/cli/admin.ts");
const LETTER = "ab".repeat(16);
const DAY = new Date().toISOString().slice(0, 10);

let stateDir: string;

/** Runs a command of `npm run admin`; throws when it fails. */
async function admin(...args: string[]): Promise<string> {
  const env = { ...process.env, STATE_DIR: stateDir };
  return (await promisify(execFile)(process.execPath, [ADMIN, ...args], { env })).stdout;
}

const sql = (statements: string) => query({ remote: false, stateDir }, statements);

before(async () => {
  stateDir = await mkdtemp(join(tmpdir(), "edge-events-admin-"));
  await applyMigrations({ remote: false, stateDir });
});

after(() => rm(stateDir, { recursive: true, force: true }));

describe("npm run admin", () => {
  it("adds a producer, rotates its secret and disables it; of a bearer secret the database has the SHA-256 only", async () => {
    const hash = (secret: string) => createHash("sha256").update(secret.trim()).digest("hex");
    const first = await admin("producers", "add", "crm");
    const second = await admin("producers", "rotate", "crm");
    const [row] = await sql("SELECT secrets FROM producers WHERE name = 'crm'");
    assert.deepEqual(JSON.parse(String(row?.secrets)), [hash(second), hash(first)]);
    await assert.rejects(admin("producers", "add", "crm"), /There is a producer crm/);
    await admin("producers", "disable", "crm");
    assert.match(await admin("producers", "list"), /^crm +secret +0 +300 s +- +disabled/m);
  });

  it("lists dead letters, shows them, marks them for replay and deletes them, in tables that fit", async () => {
    await sql(`INSERT INTO dead_letters (id, reason, detail, producer, uuid, attempts, first_seen, last_seen, body)
      VALUES ('${LETTER}', 'refused', '${"long ".repeat(50)}', 'crm', '${"1".repeat(32)}', 5, 0, 1e15, 'the body')`);
    const listed = await admin("dead-letters", "list");
    assert.match(listed, /^abababababab +2001-09-09 01:46:40 +crm +refused +dead +5 +long .*…$/m);
    for (const line of listed.split("\n")) assert.ok(line.length <= 100, line);
    await admin("dead-letters", "replay", "--all", "--producer", "crm");
    assert.match(await admin("dead-letters", "show", "abababab"), /state +replay\n\nthe body\n$/);
    await assert.rejects(admin("dead-letters", "discard", "a' OR true --"), /An id is/);
    await admin("dead-letters", "discard", LETTER);
    await assert.rejects(admin("dead-letters", "replay", LETTER), /There is no such dead letter/);
  });

  it("tells what became of each producer's events, by the day", async () => {
    await sql(`INSERT INTO ingest_days VALUES ('crm', '${DAY}', 12, 10, 1, 1, '{"40":9,"52":1}');
      INSERT INTO ingest_rejections VALUES ('crm', '${DAY}', 'credentials', 3), ('hub', '${DAY}', 'invalid', 1)`);
    const [crm, hub] = JSON.parse(await admin("ingest", "status", "--json"));
    assert.deepEqual(
      [crm.accepted, crm.lag_p50_ms, crm.lag_p99_ms, crm.rejected],
      [12, 1024, 8192, { credentials: 3 }],
    );
    assert.deepEqual([hub.accepted, hub.lag_p99_ms, hub.rejected], [0, null, { invalid: 1 }]);
  });
});
