import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { statusText } from "../../src/cli/admin/mirror-status.ts";
import { statusOf } from "../../src/mirror/report.ts";
import { LocalDatabase } from "./local-database.ts";

const NOW = Date.UTC(2026, 5, 20, 12);
const FROM = Date.UTC(2024, 0, 1) / 1_000;

/** A run that has read half of the history in an hour. */
const RUN = `INSERT INTO mirror_run (singleton, state, upstream, started_at, history_from, cursor, total, seen, requests)
  VALUES (1, 'running', 'https://waldur.example.com/', ${NOW - 3_600_000}, ${FROM}, ${FROM + 864_000}, 1000000, 500000, 1700)`;

const windowRow = (day: number, state: string) =>
  `INSERT INTO mirror_windows (from_s, to_s, state, theirs, read_at)
    VALUES (${FROM + day * 86_400}, ${FROM + (day + 1) * 86_400}, '${state}', 50000, ${NOW})`;

describe("npm run admin -- mirror", () => {
  let database: LocalDatabase;

  beforeEach(async () => {
    database = await LocalDatabase.create();
  });
  afterEach(() => database?.remove());

  const run = () => database.query("SELECT state, incarnation, cursor, verification FROM mirror_run");

  it("starts, pauses, resumes, asks for a comparison, and starts anew", async () => {
    assert.equal((await database.admin("mirror", "start")).code, 0);
    assert.deepEqual(await run(), [{ state: "running", incarnation: 1, cursor: null, verification: null }]);

    await database.query(`UPDATE mirror_run SET cursor = 7, lease = 'somebody', lease_until = ${NOW}`);
    assert.equal((await database.admin("mirror", "pause")).stdout, "The mirror is paused.\n");
    const [paused] = await database.query("SELECT state, lease, lease_until FROM mirror_run");
    assert.deepEqual(paused, { state: "paused", lease: "", lease_until: 0 });

    assert.equal((await database.admin("mirror", "resume", "--", "mirror", "verify", "--digests")).code, 0);
    const [resumed] = await run();
    assert.equal(resumed?.state, "running");
    const asked = JSON.parse(String(resumed?.verification));
    assert.deepEqual([asked.mode, asked.stack, asked.done_at], ["digests", null, null]);

    await database.query(windowRow(0, "equal"));
    await database.admin("mirror", "start");
    assert.equal((await run())[0]?.cursor, 7);
    await database.admin("mirror", "start", "--anew");
    assert.deepEqual(await run(), [{ state: "running", incarnation: 2, cursor: null, verification: null }]);
    assert.deepEqual(await database.query("SELECT * FROM mirror_windows"), []);
  });

  it("says that there is none, before it is started", async () => {
    for (const verb of ["pause", "resume", "verify"]) {
      const { code, stderr } = await database.admin("mirror", verb);
      assert.deepEqual(
        [code, stderr.split("\n")[0]],
        [1, "The mirror was never started. Run: npm run admin -- mirror start"],
      );
    }
    const { stdout } = await database.admin("mirror", "status");
    assert.equal(stdout, `state             off. The mirror was never started.\nrequests          0\n`);
  });

  it("prints the status for people and for programs, and what differs", async () => {
    await database.query(RUN, windowRow(0, "equal"), windowRow(1, "unequal"), windowRow(2, "equal"));
    await database.query(`INSERT INTO mirror_differences (uuid, kind, created, seen_at)
      VALUES ('${"a".repeat(32)}', 'extra', ${(FROM + 90_000) * 1_000_000}, ${NOW})`);

    const { stdout } = await database.admin("mirror", "status");
    assert.match(stdout, /^verified through {2}2024-01-02 00:00:00 UTC$/m);
    assert.match(stdout, /^windows {11}2 equal, 1 unequal$/m);
    assert.match(stdout, /^progress {10}50 %: 500,000 events read; at the start there were 1,000,000, \d+ \w+ left$/m);
    const status = JSON.parse((await database.admin("mirror", "status", "--json")).stdout);
    assert.deepEqual(
      [status.state, status.verifiedThrough, status.differences.extra],
      ["reading", (FROM + 86_400) * 1_000_000, 1],
    );
    const { stdout: listed } = await database.admin("mirror", "verify", "--explain");
    assert.match(listed, /^a{32} {2}extra {7}2024-01-02 01:00:00$/m);
  });
});

it("a terminal gets a bar and the time left", () => {
  const run = {
    ...{ state: "running", reason: "", sentence: "", upstream: "https://waldur.example.com/", incarnation: 1 },
    ...{ started_at: NOW - 3_600_000, history_from: FROM, cursor: FROM + 864_000, tail_through: 0, total: 1_000_000 },
    ...{ width: 1, page: 1, seen: 250_000, requests: 850, failures: 0, resume_at: 0, skew: 0, verification: null },
    lease_until: 0,
  };
  const text = statusText(statusOf([[run], [], [{ through: null }], []], NOW), true);

  assert.match(text, /^progress {10}\[########-{22}\] 25 %: 250,000 events read; .*, 3 h left$/m);
});
