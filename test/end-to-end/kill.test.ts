import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { LocalServer } from "./local-server.ts";

const EVENTS = Number(process.env.KILL_EVENTS ?? 5_000);
const EVENTS_IN_REQUEST = 50;
const REQUESTS_AT_A_TIME = 4;
/** The server is killed when this part of the requests has been answered with 202. */
const KILLED_AT = 0.4;
const PAGE_SIZE = 300;
const TOKEN = "0123456789abcdef0123456789abcdef01234567";
const SECRET = "secret-of-a-killed-server";
const RETRY_MS = 100;

let stateDir: string;
let server: LocalServer;
let isOver = false;
const start = () =>
  LocalServer.start({ STATE_DIR: stateDir, STAFF_TOKEN: TOKEN, INGEST_SECRET: SECRET, SAMPLE_EVENTS: "0" });

before(async () => {
  stateDir = await mkdtemp(join(tmpdir(), "edge-events-kill-"));
  server = await start();
});

after(async () => {
  isOver = true;
  await server?.stop("SIGTERM");
  await rm(stateDir, { recursive: true, force: true });
});

test(`a server that is killed while it receives ${EVENTS} events stores each event once after retries`, async () => {
  const bodies = Array.from({ length: EVENTS / EVENTS_IN_REQUEST }, (_, index) => requestBody(index));
  const answered = new Set<number>();
  const killing = Promise.withResolvers<void>();
  const answeredOne = (index: number) => {
    answered.add(index);
    if (answered.size === Math.ceil(bodies.length * KILLED_AT)) killing.resolve();
  };
  const sending = sendAll(bodies, answeredOne);
  await killing.promise;
  const before = answered.size;
  for (const pid of server.processes().toReversed()) process.kill(pid, "SIGKILL");
  await server.ended();
  assert.ok(answered.size < bodies.length, "the server is killed before all requests are answered");

  server = await start();
  const kept = new Set(await messages());
  const lost = [...answered].slice(0, before).filter((index) => !names(index).every((name) => kept.has(name)));
  assert.deepEqual(lost, [], "every event that was answered with 202 before the kill is stored");
  await sending;
  const all = await messages();
  assert.equal(new Set(all).size, EVENTS);
  assert.equal(all.length, EVENTS);
  console.log(
    `killed after ${before * EVENTS_IN_REQUEST} answered events; ${all.length} of ${EVENTS} stored after the retries, each once`,
  );
});

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

/** Sends each body until it is answered with 202. */
async function sendAll(bodies: readonly string[], answered: (index: number) => void): Promise<void> {
  const waiting = bodies.entries();
  const work = async () => {
    for (const [index, body] of waiting) {
      while (!isOver && !(await isAccepted(body))) await sleep(RETRY_MS);
      answered(index);
    }
  };
  await Promise.all(Array.from({ length: REQUESTS_AT_A_TIME }, work));
}

async function isAccepted(body: string): Promise<boolean> {
  const headers = { Authorization: `Bearer ${SECRET}`, "Content-Type": "application/json" };
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
