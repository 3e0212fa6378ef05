import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { consumed, waiting } from "./journal.ts";
import { isRunning, LocalServer } from "./local-server.ts";

const SAMPLE_EVENTS = 300;
const POLL_INTERVAL_MS = 50;
const STAFF_TOKEN = "0123456789abcdef0123456789abcdef01234567";
/** Has characters that are special in a shell, in an env file or in JSON. */
const INGEST_SECRET = `it's-a-"secret"$HOME\\n#1`;

const pushed = {
  uuid: "5f0c7c1e4a8b4d0f9b1d2c3e4f5a6b7c",
  created: "2026-11-20T10:00:00.123456Z",
  event_type: "user_activated",
  message: "User Ada Lovelace has been activated.",
  context: { user_username: "ada", user_uuid: "a5a5a5a5a5a54a5a8a5a5a5a5a5a5a5a" },
};

/** Sent just before the server is stopped. */
const late = { event_type: "user_activated", message: "User Grace Hopper has been activated." };

describe("npm start", () => {
  let stateDir: string;
  let server: LocalServer;
  const start = () =>
    LocalServer.start({ STATE_DIR: stateDir, STAFF_TOKEN, INGEST_SECRET, SAMPLE_EVENTS: String(SAMPLE_EVENTS) });

  before(async () => {
    stateDir = await mkdtemp(join(tmpdir(), "edge-events-"));
    server = await start();
  });

  after(async () => {
    await server?.stop("SIGTERM");
    await rm(stateDir, { recursive: true, force: true });
  });

  it("loads sample events into an empty database", async () => {
    assert.deepEqual(await get("/api/events/count/"), { count: SAMPLE_EVENTS });
  });

  it("lists events, newest first, with their total number", async () => {
    const response = await request("/api/events/?page_size=3");
    const events = list(await response.json());
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("X-Result-Count"), String(SAMPLE_EVENTS));
    assert.equal(events.length, 3);
    const times = events.map((event) => String(event.created));
    assert.deepEqual(times, times.toSorted().reverse());
  });

  it("returns one event by its uuid, as the list has it", async () => {
    const [event] = list(await get("/api/events/?page_size=1"));
    assert.deepEqual(await get(`/api/events/${event?.uuid}/`), event);
  });

  it("returns the event groups and the scope types", async () => {
    assert.ok(Object.keys(object(await get("/api/events/event_groups/"))).length > 0);
    const scopeTypes = await get("/api/events/scope_types/");
    assert.ok(Array.isArray(scopeTypes) && scopeTypes.every((type) => typeof type === "string"));
    assert.ok(scopeTypes.length > 0);
  });

  it("rejects a request without a token", async () => {
    assert.equal((await fetch(`${server.url}/api/events/`)).status, 401);
  });

  it("stores an event from the webhook after it has answered, through the queue", async () => {
    const response = await push(INGEST_SECRET);
    assert.equal(response.status, 202);
    const { receipts, ...answer } = object(await response.json());
    assert.deepEqual(answer, { accepted: 1, uuids: [pushed.uuid] });
    assert.ok(Array.isArray(receipts) && receipts.length === 1);
    await consumed(stateDir);
    assert.deepEqual(await get(`/api/events/${pushed.uuid}/`), pushed);
  });

  it("rejects an event with a wrong secret", async () => {
    assert.equal((await push("wrong")).status, 401);
  });

  it("has accepted an event that is not stored yet when it is stopped", async () => {
    assert.equal((await push(INGEST_SECRET, late)).status, 202);
    assert.equal(waiting(stateDir), 1);
  });

  it("stops at SIGINT and leaves no process and no file with secrets", async () => {
    const processes = server.processes();
    assert.ok(processes.length > 3, "npm, start, wrangler and workerd are running");
    assert.equal(await server.stop("SIGINT"), 0);
    assert.deepEqual(processes.filter(isRunning), []);
    assert.ok(!existsSync(join(stateDir, "start.env")));
  });

  it("starts again with the same data, and with what it had accepted", async () => {
    server = await start();
    await consumed(stateDir);
    assert.deepEqual(await get("/api/events/count/"), { count: SAMPLE_EVENTS + 2 });
    assert.deepEqual(await get(`/api/events/${pushed.uuid}/`), pushed);
  });

  it("leaves no process behind when it is killed", { timeout: 30_000 }, async () => {
    const processes = server.processes();
    const [, start = 0] = processes;
    process.kill(start, "SIGKILL");

    while (processes.some(isRunning)) await sleep(POLL_INTERVAL_MS);
  });

  const request = (path: string) =>
    fetch(`${server.url}${path}`, { headers: { Authorization: `Token ${STAFF_TOKEN}` } });

  async function get(path: string): Promise<unknown> {
    const response = await request(path);
    const body = await response.text();
    assert.equal(response.status, 200, body);
    return JSON.parse(body);
  }

  const push = (secret: string, event: object = pushed) =>
    fetch(`${server.url}/ingest/local`, {
      method: "POST",
      headers: { Authorization: `Bearer ${secret}`, "Content-Type": "application/json" },
      body: JSON.stringify(event),
    });
});

function object(value: unknown): Record<string, unknown> {
  assert.ok(typeof value === "object" && value !== null && !Array.isArray(value));
  return { ...value };
}

function list(value: unknown): Record<string, unknown>[] {
  assert.ok(Array.isArray(value));
  return value.map(object);
}
