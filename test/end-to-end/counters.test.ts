import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { applyMigrations, query } from "../../src/cli/d1.ts";

const ADMIN = resolve(import.meta.dirname, "../../src/cli/admin.ts");
const stateDir = await mkdtemp(join(tmpdir(), "edge-events-counters-"));
const target = { remote: false, stateDir } as const;

/** `npm run admin -- …`: its exit code and what it printed. */
const admin = (...args: string[]) =>
  new Promise<{ code: number; output: string }>((done) => {
    execFile(
      process.execPath,
      [ADMIN, ...args],
      { env: { ...process.env, AUDIT: "off", STATE_DIR: stateDir } },
      (error, out, err) => done({ code: error ? Number(error.code) : 0, output: out + err }),
    );
  });

before(() => applyMigrations(target));
after(() => rm(stateDir, { recursive: true, force: true }));

const failing = "DELETE FROM counters; INSERT INTO counters VALUES (NULL, NULL, 0, 0, 0, '', NULL)";

test("events from before the counters and the index are counted and found after a rebuild", async () => {
  await query(
    target,
    `INSERT INTO events (uuid, created, type, message, context, producer, received_at)
      SELECT printf('%032d', value), 1700000000000000 + value, 7, 'It''s "old"; ' || value, '{}', 'waldur', 0
      FROM json_each('[1,2,3]')`,
  );

  const rebuilt = await admin("counters", "rebuild");
  assert.equal(rebuilt.code, 0, rebuilt.output);
  assert.match(rebuilt.output, /^log\/day +2023-11-14 +0 +3$/m);
  assert.match(rebuilt.output, /^3 parts compared, 3 counters counted again\.$/m);
  const indexed = await admin("search", "rebuild");
  assert.equal(indexed.output, "3 events indexed.\n");

  const [row] = await query(
    target,
    `UPDATE counters SET n = 5 WHERE series = 'log';
      SELECT count(*) AS old FROM event_index WHERE event_index MATCH '"OLD"'`,
  );
  assert.deepEqual(row, { old: 3 });
  await assert.rejects(query(target, failing), /NOT NULL/, "several statements in one call are a transaction");
  const verified = await admin("counters", "verify");
  assert.equal(verified.code, 1, verified.output);
  assert.match(verified.output, /^log +2023-10 +5 +3$/m);
  assert.match(verified.output, /^3 parts compared, 1 counters differ\.$/m);
});
