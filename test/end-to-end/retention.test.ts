import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { LocalDatabase } from "./local-database.ts";

let database: LocalDatabase;

before(async () => {
  database = await LocalDatabase.create();
});
after(() => database?.remove());

test("retention tells how many events are old, and deletes them with --delete, as often as it is run", async () => {
  await database.query(
    `WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < 1200)
      INSERT INTO events (uuid, created, type, message, context, producer, received_at, upstream)
      SELECT printf('%032d', i), 1700000000000000 + i, 7, 'old', '{}', 'waldur', 0, 0 FROM numbers`,
    `INSERT INTO events (uuid, created, type, message, context, producer, received_at, upstream)
      VALUES ('new', unixepoch() * 1000000, 7, 'new', '{}', 'waldur', 0, 0)`,
  );
  assert.equal((await database.admin("counters", "rebuild")).code, 0);
  assert.equal((await database.admin("search", "rebuild")).code, 0);

  const dry = await database.admin("retention", "--keep", "12m");
  assert.match(
    dry.stdout,
    /^quarter from {2}events\n2023-10 +1200\n1200 events were created before \d{4}-\d\d-\d\d\.\n$/,
  );
  assert.match(dry.stderr, /^Nothing was deleted/);

  const done = await database.admin("retention", "--keep", "12m", "--delete");
  assert.match(done.stdout, /1200 events deleted\.\n$/);
  assert.deepEqual(await database.query("SELECT message FROM events"), [{ message: "new" }]);
  assert.equal((await database.admin("log", "check")).code, 0);
  assert.equal((await database.admin("counters", "verify")).code, 0);

  const again = await database.admin("retention", "--keep", "30d", "--delete");
  assert.match(again.stdout, /^0 events were created before .*\n0 events deleted\.\n$/);
});

test("retention refuses a period that it cannot read", async () => {
  for (const [args, shown] of [
    [["retention"], "is missing"],
    [["retention", "--keep", "2y"], '"2y"'],
    [["retention", "--keep", "0m"], '"0m"'],
  ] as const) {
    const { code, stderr } = await database.admin(...args);
    assert.equal(code, 2);
    assert.ok(stderr.includes(shown), stderr);
  }
});
