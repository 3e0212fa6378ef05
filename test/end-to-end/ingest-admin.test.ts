import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, it } from "node:test";
import { table } from "../../src/cli/admin/table.ts";
import { LocalDatabase } from "./local-database.ts";

const DEAD_LETTER = "ab".repeat(16);
const DAY = new Date().toISOString().slice(0, 10);

describe("npm run admin", () => {
  let database: LocalDatabase;

  beforeEach(async () => {
    database = await LocalDatabase.create();
  });
  afterEach(() => database?.remove());

  /** Runs a command and returns what it prints to stdout. Throws when the command fails. */
  async function admin(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await database.admin(...args);
    if (code !== 0) throw new Error(stderr);
    return stdout;
  }

  it("adds a producer, rotates its secret and disables it, and stores only the SHA-256 of a bearer secret", async () => {
    const hash = (secret: string) => createHash("sha256").update(secret.trim()).digest("hex");
    const first = await admin("producers", "add", "crm");
    const second = await admin("producers", "rotate", "crm");
    const [row] = await database.query("SELECT secrets FROM producers WHERE name = 'crm'");
    assert.deepEqual(JSON.parse(String(row?.secrets)), [hash(second), hash(first)]);
    await assert.rejects(admin("producers", "add", "crm"), /There is a producer crm/);
    await admin("producers", "disable", "crm");
    assert.match(await admin("producers", "list"), /^crm +secret +0 +300 s +disabled .* -$/m);
    await admin("producers", "add", "crm", "--auth", "github", "--tolerance", "60", "--max-backlog", "9");
    assert.match(await admin("producers", "list"), /^crm +github +1 +60 s +active .* backlog 9$/m);
  });

  it("lists dead letters, shows, replays and discards them, in tables that fit a terminal", async () => {
    await database.query(`INSERT INTO dead_letters (id, reason, detail, producer, uuid, attempts, first_seen, last_seen, body)
      VALUES ('${DEAD_LETTER}', 'refused', '${"long ".repeat(50)}', 'crm', '${"1".repeat(32)}', 5, 0, 1e15, 'the body')`);
    const row = /^abababababab +2001-09-09 01:46:40 +crm +refused +dead +5 +long .*$/m;
    const whole = await admin("dead-letters", "list");
    assert.ok((row.exec(whole)?.[0].length ?? 0) > 250, "nothing is cut that does not go to a terminal");
    const cells = [["ab", "long ".repeat(50)]];
    assert.deepEqual(table(["id", "detail"], cells, 20).split("\n"), ["id  detail", "ab  long long long …"]);
    await admin("dead-letters", "replay", "--all", "--producer", "crm");
    assert.match(await admin("dead-letters", "show", "abababab"), /state +replay\n\nthe body\n$/);
    await assert.rejects(admin("dead-letters", "discard", "a' OR true --"), /An ID has/);
    await admin("dead-letters", "discard", DEAD_LETTER);
    await assert.rejects(admin("dead-letters", "replay", DEAD_LETTER), /There is no such dead letter/);
    const [letter] = await database.query("SELECT state, body, discarded > 1e15 AS is_known FROM dead_letters");
    assert.deepEqual({ ...letter }, { state: "discarded", body: "", is_known: 1 });
  });

  it("lists dead letters that somebody can do something about, and forgets a discarded message without an event", async () => {
    const insert = (id: string, state: string, uuid: string) =>
      `INSERT INTO dead_letters (id, reason, detail, uuid, attempts, first_seen, last_seen, state, body)
        VALUES ('${id.repeat(16)}', 'refused', '', ${uuid}, 1, 0, 0, '${state}', '')`;
    await database.query(
      ...[insert("aa", "dead", "NULL"), insert("bb", "replay", "'1'"), insert("cc", "sent", "'2'")],
      ...[insert("dd", "stored", "'3'"), insert("ee", "discarded", "'4'")],
    );
    const ids = async () => (await admin("dead-letters", "list")).match(/^[a-f]{12}/gm)?.toSorted();
    assert.deepEqual(await ids(), ["aaaaaaaaaaaa", "bbbbbbbbbbbb", "cccccccccccc"]);
    await assert.rejects(admin("dead-letters", "replay", "dddddddd", "eeeeeeee"), /There is no such dead letter/);
    assert.equal(await admin("dead-letters", "discard", "--all"), "3 dead letters discarded.\n");
    assert.equal(await admin("dead-letters", "list"), "No dead letter waits; discarded ones are not listed.\n");
    const rest = await database.query("SELECT substr(id, 1, 1) AS id, state FROM dead_letters ORDER BY id");
    assert.deepEqual(
      rest.map(({ id, state }) => `${id} ${state}`),
      ["b discarded", "c discarded", "d stored", "e discarded"],
    );
  });

  it("makes a dead letter to practise with, which the numbers include, and which waits when it is replayed", async () => {
    const numbers = async () => {
      const [row] = JSON.parse(await admin("ingest", "status", "--json"));
      return [row.producer, row.accepted, row.stored, row.duplicates, row.waiting, row.dead];
    };
    const id = (await admin("dead-letters", "make-one")).trim();
    assert.deepEqual(await numbers(), ["local", 1, 0, 0, 0, 1]);
    await admin("dead-letters", "replay", id);
    assert.deepEqual(await numbers(), ["local", 1, 0, 0, 1, 0]);
    assert.match(await admin("dead-letters", "list"), /practice +replay +1 +Made by dead-letters make-one/);
    await admin("dead-letters", "discard", id);
    assert.deepEqual(await numbers(), ["local", 1, 0, 0, 0, 1]);
    await assert.rejects(admin("dead-letters", "make-one", "--remote"), /works on local data only/);
  });

  it("adds up the days and producers in a last line", async () => {
    const values = `('crm', '${DAY}', 12, 10, 1, 1, '{}'), ('hub', '${DAY}', 3, 2, 0, 1, '{}')`;
    await database.query(
      `INSERT INTO ingest_days (producer, day, accepted, stored, duplicates, dead, lag) VALUES ${values}`,
    );
    const lines = (await admin("ingest", "status")).trim().split("\n");
    assert.deepEqual(lines.at(-1)?.split(/ {2,}/), ["all", "all", "15", "12", "1", "0", "2", "-", "-", "-"]);
    assert.equal((await admin("ingest", "status", "--producer", "crm")).trim().split("\n").length, 2);
  });

  it("counts each producer's events by day", async () => {
    await database.query(
      `INSERT INTO ingest_days (producer, day, accepted, stored, duplicates, dead, lag) VALUES ('crm', '${DAY}', 12, 10, 1, 1, '{"40":9,"52":1}')`,
      `INSERT INTO ingest_rejections VALUES ('crm', '${DAY}', 'credentials', 3), ('hub', '${DAY}', 'invalid', 1)`,
    );
    const [crm, hub] = JSON.parse(await admin("ingest", "status", "--json"));
    assert.deepEqual(
      [crm.accepted, crm.lag_p50_ms, crm.lag_p99_ms, crm.rejected],
      [12, 1024, 8192, { credentials: 3 }],
    );
    assert.deepEqual([hub.accepted, hub.lag_p99_ms, hub.rejected], [0, null, { invalid: 1 }]);
    assert.equal(JSON.parse(await admin("ingest", "status", "--json", "--producer", "hub")).length, 1);
  });
});
