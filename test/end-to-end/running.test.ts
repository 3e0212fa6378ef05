import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import { useBucket } from "../../src/cli/local-r2.ts";
import { CRON_LINES } from "../../src/cli/names.ts";
import { bodyKey } from "../../src/ingest/queue/keys.ts";
import { type EmptyServer, startEmptyServer } from "./empty-server.ts";
import { consumed } from "./journal.ts";

const STAFF_TOKEN = "0123456789abcdef0123456789abcdef01234567";
const INGEST_SECRET = "secret-of-a-running-server";
const UUID = "ab".repeat(16);
const WRITES = 100;
const POLL_INTERVAL_MS = 100;
/** Ends a test that hangs. */
const HANGING = { timeout: 120_000 };

describe("an admin command beside a running server", () => {
  let database: EmptyServer["database"];
  let server: EmptyServer["server"];
  let remove: EmptyServer["remove"] | undefined;

  before(async () => {
    ({ server, database, remove } = await startEmptyServer({ STAFF_TOKEN, INGEST_SECRET }));
  });
  after(() => remove?.());

  it("creates a token that the server accepts at once", async () => {
    const { stdout } = await database.admin("token", "create", "--support", "--username", "ada");

    assert.equal((await get("/api/events/", stdout.trim())).status, 200);
  });

  it("sees the events that the server stored, and the server sees that they are deleted", async () => {
    await push("Ada has arrived.");
    await consumed(database.target.stateDir);
    assert.equal(await count("message=arrived"), 1);

    const deleted = await database.query("DELETE FROM events WHERE message = 'Ada has arrived.' RETURNING message");

    assert.deepEqual(deleted, [{ message: "Ada has arrived." }]);
    assert.equal(await count("message=arrived"), 0);
    const verified = await database.admin("counters", "verify");
    assert.equal(verified.code, 0, verified.stdout);
  });

  it("loses no row when both write at the same time", HANGING, async () => {
    const pushing = Promise.all(Array.from({ length: WRITES }, (_, index) => push(`Writer ${index} has come.`)));
    for (let index = 0; index < WRITES; index++) {
      await database.query(`INSERT INTO users (uuid, username) VALUES ('${index}', 'writer ${index}')`);
      await setImmediate();
    }
    await pushing;

    // The server does not wait for a lock. An event that met one waits in the queue.
    while ((await count("message=writer")) < WRITES) await sleep(POLL_INTERVAL_MS);
    assert.equal(await count("message=writer"), WRITES);
    const [row] = await database.query("SELECT count(*) AS n FROM users WHERE username LIKE 'writer %'");
    assert.deepEqual(row, { n: WRITES });
  });

  it("shows and replays a dead letter whose body is in the bucket", HANGING, async () => {
    const body = `{"v":2,"producer":"local","received_at":1}\n["${UUID}",0,"user_activated","Late.",null]\n{}`;
    await useBucket(database.target.stateDir, async (bucket) => {
      await bucket.put(bodyKey(UUID), body);
    });
    await database.query(`INSERT INTO dead_letters (id, reason, detail, attempts, first_seen, last_seen, body)
      VALUES ('${UUID}', 'refused', '', 1, 0, 0, NULL)`);

    const { stdout } = await database.admin("dead-letters", "show", UUID, "--", "dead-letters", "replay", UUID);
    for (const cron of CRON_LINES) await get(`/cdn-cgi/local/scheduled?${new URLSearchParams({ cron })}`);

    assert.ok(stdout.includes(`\n\n${body}\n1 dead letter will be sent`), stdout);
    while ((await get(`/api/events/${UUID}/`)).status === 404) await sleep(POLL_INTERVAL_MS);
    assert.equal((await get(`/api/events/${UUID}/`)).status, 200);
  });

  const get = (path: string, token = STAFF_TOKEN) =>
    fetch(`${server.url}${path}`, { headers: { Authorization: `Token ${token}` } });

  const count = async (filter: string) =>
    Number((await get(`/api/events/?${filter}`)).headers.get("X-Result-Count") ?? Number.NaN);

  async function push(message: string): Promise<void> {
    const response = await fetch(`${server.url}/ingest/local`, {
      method: "POST",
      headers: { Authorization: `Bearer ${INGEST_SECRET}`, "Content-Type": "application/json" },
      body: JSON.stringify({ event_type: "user_activated", message }),
    });
    assert.equal(response.status, 202, await response.text());
  }
});
