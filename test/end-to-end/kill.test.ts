import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { consumed, waiting } from "./journal.ts";
import { LocalDatabase } from "./local-database.ts";
import { LocalServer } from "./local-server.ts";

/** How often the server is killed; test/README.md has a command for more. */
const KILLS = Number(process.env.KILLS ?? 4);
const REQUESTS_IN_ROUND = 12;
const EVENTS_IN_REQUEST = 50;
const REQUESTS_AT_A_TIME = 4;
const PAGE_SIZE = 300;
const TOKEN = "0123456789abcdef0123456789abcdef01234567";
const SECRET = "secret-of-a-killed-server";
const RETRY_MS = 100;
/** Ends a test that hangs. */
const HANGING = { timeout: 60_000 + KILLS * 30_000 };

let database: LocalDatabase;
let server: LocalServer;
let requests = 0;
let isOver = false;
const start = () =>
  LocalServer.start({
    ...{ STATE_DIR: database.target.stateDir, SAMPLE_EVENTS: "0" },
    ...{ STAFF_TOKEN: TOKEN, INGEST_SECRET: SECRET },
  });

before(async () => {
  database = await LocalDatabase.missing();
  server = await start();
});

after(async () => {
  isOver = true;
  await server?.stop("SIGTERM");
  await database?.remove();
});

test(
  `a server that is killed ${KILLS} times stores each event once that it has answered with 202`,
  HANGING,
  async () => {
    let kept = 0;
    for (let round = 0; round < KILLS; round++) {
      const bodies = Array.from({ length: REQUESTS_IN_ROUND }, (_, index) => round * REQUESTS_IN_ROUND + index);
      // Some rounds end between the 202 and the storage, others between the storage and the acknowledgement.
      const answers = round % 2 === 0 ? 1 + Math.floor(Math.random() * REQUESTS_IN_ROUND) : Number.POSITIVE_INFINITY;
      const answered = Promise.withResolvers<void>();
      let count = 0;
      const sending = sendAll(bodies, () => ++count === answers && answered.resolve());
      await (answers === Number.POSITIVE_INFINITY ? server.printed("batch_written") : answered.promise);
      for (const pid of server.processes().toReversed()) process.kill(pid, "SIGKILL");
      await server.ended();
      kept += waiting(database.target.stateDir);
      server = await start();
      await sending;
    }
    await consumed(database.target.stateDir);

    const all = await messages();
    const expected = KILLS * REQUESTS_IN_ROUND * EVENTS_IN_REQUEST;
    assert.deepEqual([all.length, new Set(all).size], [expected, expected]);
    assert.ok(kept > 0, "some messages were accepted and not stored when the server was killed");
    const [numbers] = JSON.parse((await database.admin("ingest", "status", "--json")).stdout);
    assert.deepEqual([numbers.stored, numbers.waiting, numbers.dead], [expected, 0, 0]);
    assert.equal(numbers.accepted, numbers.stored + numbers.duplicates);
    const repeated = requests - KILLS * REQUESTS_IN_ROUND;
    assert.ok(numbers.duplicates <= repeated * EVENTS_IN_REQUEST, "only what was sent again counts as a duplicate");
    console.log(
      `killed ${KILLS} times with ${kept} messages in the queue; ${all.length} of ${expected} stored, each once; ` +
        `${repeated} requests without an answer sent again, ${numbers.duplicates} events of them duplicates`,
    );
  },
);

const names = (index: number): string[] =>
  Array.from({ length: EVENTS_IN_REQUEST }, (_, place) => `Event ${index * EVENTS_IN_REQUEST + place}`);

/** Every second event has a uuid. */
function requestBody(index: number): string {
  const events = names(index).map((message, place) => ({
    created: new Date(Date.UTC(2026, 0, 1) + index * EVENTS_IN_REQUEST + place).toISOString(),
    event_type: "user_activated",
    message,
    ...(place % 2 === 0 ? { uuid: (index * EVENTS_IN_REQUEST + place).toString(16).padStart(32, "0") } : {}),
  }));
  return JSON.stringify(events);
}

/** Sends each request until it is answered with 202. */
async function sendAll(indexes: readonly number[], answered: () => void): Promise<void> {
  const waiting = indexes.values();
  const work = async () => {
    for (const index of waiting) {
      while (!isOver && !(await isAccepted(requestBody(index)))) await sleep(RETRY_MS);
      answered();
    }
  };
  await Promise.all(Array.from({ length: REQUESTS_AT_A_TIME }, work));
}

async function isAccepted(body: string): Promise<boolean> {
  const headers = { Authorization: `Bearer ${SECRET}`, "Content-Type": "application/json" };
  requests += 1;
  try {
    const response = await fetch(`${server.url}/ingest/local`, { method: "POST", headers, body });
    await response.arrayBuffer();
    return response.status === 202;
  } catch {
    return false;
  }
}

async function messages(): Promise<string[]> {
  const found: string[] = [];
  for (let page = 1; ; page++) {
    const query = `page_size=${PAGE_SIZE}&page=${page}&field=message&o=created`;
    const response = await fetch(`${server.url}/api/events/?${query}`, {
      headers: { Authorization: `Token ${TOKEN}` },
    });
    if (response.status === 404) return found;
    const rows: unknown = await response.json();
    assert.ok(Array.isArray(rows));
    found.push(...rows.map((row) => String(row.message)));
    if (rows.length < PAGE_SIZE) return found;
  }
}
