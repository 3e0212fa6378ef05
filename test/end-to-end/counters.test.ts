import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { LocalDatabase } from "./local-database.ts";

/** The second statement breaks a NOT NULL constraint. */
const FAILING = ["DELETE FROM counters", "INSERT INTO counters VALUES (NULL, NULL, 0, 0, 0, '', NULL, 0)"];

let database: LocalDatabase;

before(async () => {
  database = await LocalDatabase.create();
});
after(() => database?.remove());

test("a rebuild counts and indexes events that are older than the counters and the index", async () => {
  await database.query(
    `INSERT INTO events (uuid, created, type, message, context, producer, received_at, upstream)
      SELECT printf('%032d', value), 1700000000000000 + value, 7, 'It''s "old"; ' || value, '{}', 'waldur', 0, 0
      FROM json_each('[1,2,3]')`,
  );

  const rebuilt = await database.admin("counters", "rebuild");
  assert.equal(rebuilt.code, 0, rebuilt.stderr);
  assert.match(rebuilt.stdout, /^log\/day +2023-11-14 +0 +3$/m);
  assert.match(rebuilt.stdout, /^3 parts compared, 3 counters counted again\.$/m);
  assert.equal((await database.admin("search", "rebuild")).stdout, "3 events indexed.\n");

  const [row] = await database.query(
    "UPDATE counters SET n = 5 WHERE series = 'log'",
    `SELECT count(*) AS old FROM event_index WHERE event_index MATCH '"OLD"'`,
  );
  assert.deepEqual(row, { old: 3 });
  await assert.rejects(database.query(...FAILING), /NOT NULL/, "several statements in one call are a transaction");
  const verified = await database.admin("counters", "verify");
  assert.equal(verified.code, 1, verified.stderr);
  assert.match(verified.stdout, /^log +2023-10 +5 +3$/m);
  assert.match(verified.stdout, /^3 parts compared, 1 counters differ\.$/m);
  assert.equal(verified.stderr, "To correct them, run: npm run admin -- counters rebuild\n");
});
