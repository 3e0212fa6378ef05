import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { LocalDatabase } from "./local-database.ts";

let database: LocalDatabase;

before(async () => {
  database = await LocalDatabase.create();
});
after(() => database?.remove());

const insert = (...ids: number[]) =>
  database.query(
    `INSERT INTO events (id, uuid, created, type, message, context, producer, received_at, upstream)
      SELECT value, printf('%032d', value), 1700000000000000 + value, 7, 'x', '{}', 'waldur', 0, 0
      FROM json_each('${JSON.stringify(ids)}')`,
  );

test("log check counts events, changes and deletions, and finds gaps and numbers that are used twice", async () => {
  await insert(1, 2, 3);
  await database.query("DELETE FROM events WHERE id = 2");
  const dense = await database.admin("log", "check");
  assert.deepEqual(
    [dense.code, dense.stdout],
    [0, "The log ends at 4. Entries after 0: 4 of 4. Numbers used twice: 0.\n"],
  );

  await insert(6);
  const gap = await database.admin("log", "check");
  assert.deepEqual([gap.code, gap.stdout], [1, "The log ends at 6. Entries after 0: 5 of 6. Numbers used twice: 0.\n"]);
  assert.match(gap.stderr, /^The numbers of the log are not dense/);

  await insert(2, 4, 5);
  const twice = await database.admin("log", "check");
  assert.deepEqual(
    [twice.code, twice.stdout],
    [1, "The log ends at 6. Entries after 0: 8 of 6. Numbers used twice: 2.\n"],
  );
});

test("log renew begins a later one", async () => {
  const [before] = await database.query("SELECT incarnation FROM commit_watermark");

  const { code, stdout } = await database.admin("log", "renew");

  const [after] = await database.query("SELECT incarnation FROM commit_watermark");
  assert.deepEqual([code, stdout], [0, `The log has the incarnation ${after?.incarnation} now.\n`]);
  assert.ok(Number(after?.incarnation) > Number(before?.incarnation));
});
