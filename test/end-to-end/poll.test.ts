import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { type EmptyServer, startEmptyServer } from "./empty-server.ts";
import { consumed } from "./journal.ts";
import { poll, type State } from "./poll.ts";
import { snippetsOf } from "./snippets.ts";

const STAFF_TOKEN = "0123456789abcdef0123456789abcdef01234567";
const INGEST_SECRET = "secret-of-a-polled-server";
const NOON = Date.parse("2026-11-20T12:00:00Z");
const MINUTE = 60_000;
const start = (): State => ({ since: 0, handled: new Map() });

describe("the recipe to poll", () => {
  let database: EmptyServer["database"];
  let server: EmptyServer["server"];
  let remove: EmptyServer["remove"] | undefined;
  let handled: string[];
  let whileHandling: () => Promise<void>;

  before(async () => {
    ({ server, database, remove } = await startEmptyServer({ STAFF_TOKEN, INGEST_SECRET }));
  });
  after(() => remove?.());

  /** Runs a test on an empty log. */
  async function onEmptyLog(test: () => Promise<void>): Promise<void> {
    await database.query("DELETE FROM events RETURNING id");
    handled = [];
    whileHandling = async () => {};
    await test();
  }

  /** Polls `minutes` after noon. */
  const pollAt = (minutes: number, state: State): Promise<State> =>
    poll(
      { api: server.url, token: STAFF_TOKEN },
      state,
      async ({ message }) => {
        handled.push(message);
        const once = whileHandling;
        whileHandling = async () => {};
        await once();
      },
      NOON + minutes * MINUTE,
    );

  /** Sends events with these messages, all created at the same microsecond, `minutes` after noon. */
  async function push(minutes: number, ...messages: string[]): Promise<void> {
    const created = new Date(NOON + minutes * MINUTE).toISOString();
    const body = JSON.stringify(messages.map((message) => ({ event_type: "user_activated", message, created })));
    const headers = { Authorization: `Bearer ${INGEST_SECRET}`, "Content-Type": "application/json" };
    const response = await fetch(`${server.url}/ingest/local`, { method: "POST", headers, body });
    assert.equal(response.status, 202, await response.text());
    await consumed(database.target.stateDir);
  }

  it("reads events of one time over several pages, each once", () =>
    onEmptyLog(async () => {
      const messages = Array.from({ length: 700 }, (_, index) => `Event ${index}.`);
      await push(0, ...messages);
      await pollAt(1, await pollAt(1, start()));
      assert.deepEqual(handled.toSorted(), messages.toSorted());
    }));

  it("reads an event that has the time of the last one it has handled", () =>
    onEmptyLog(async () => {
      await push(0, "First.");
      const state = await pollAt(0, start());
      await push(0, "Second, of the same time.");
      await pollAt(1, state);
      assert.deepEqual(handled, ["First.", "Second, of the same time."]);
    }));

  it("neither repeats nor loses events that arrive while it follows the pages, before and after its place", () =>
    onEmptyLog(async () => {
      const messages = Array.from({ length: 650 }, (_, index) => `Event ${index}.`);
      await push(0, ...messages);
      whileHandling = async () => {
        await push(-30, "Before.");
        await push(1, "After.");
      };
      await pollAt(2, await pollAt(1, start()));
      assert.deepEqual(handled.toSorted(), [...messages, "Before.", "After."].toSorted());
    }));

  it("reads an event that arrives an hour late, and no event after it twice", () =>
    onEmptyLog(async () => {
      await push(0, "On time.");
      const state = await pollAt(60, start());
      await push(1, "An hour late.");
      await pollAt(62, await pollAt(61, state));
      assert.deepEqual(handled, ["On time.", "An hour late."]);
    }));

  it("misses an event that arrives later than LATE, which another poll from the beginning finds", () =>
    onEmptyLog(async () => {
      await push(0, "On time.");
      const state = await pollAt(90, start());
      await push(1, "Too late.");
      await pollAt(91, state);
      assert.deepEqual(handled, ["On time."]);
      await pollAt(91, start());
      assert.deepEqual(handled, ["On time.", "On time.", "Too late."]);
    }));

  it("handles an event from the future once, and goes on reading those of today", () =>
    onEmptyLog(async () => {
      await push(60 * 24 * 365, "Next year.");
      let state = await pollAt(0, start());
      for (const minutes of [1, 200, 400]) {
        await push(minutes, `Minute ${minutes}.`);
        state = await pollAt(minutes, state);
      }
      assert.deepEqual(handled, ["Next year.", "Minute 1.", "Minute 200.", "Minute 400."]);
    }));

  it("goes on after a failure without repeating what it has handled", () =>
    onEmptyLog(async () => {
      await push(0, "First.", "Second.");
      whileHandling = () => Promise.reject(new Error("The disk is full."));
      const state = start();
      await assert.rejects(pollAt(1, state), /The disk is full/);
      await pollAt(2, state);
      // The first one was not handled, so it comes again.
      assert.deepEqual(handled, ["First.", "First.", "Second."]);
    }));

  it("forgets what it will not read again, so its state stays small", () =>
    onEmptyLog(async () => {
      await push(0, "First.");
      const state = await pollAt(1, start());
      assert.equal(state.handled.size, 1);
      assert.equal((await pollAt(61, state)).handled.size, 0);
    }));

  it("works with curl, too: a second round prints what has arrived since", () =>
    onEmptyLog(async () => {
      const [script] = (await snippetsOf("src/events/list/README.md")).filter(({ code }) =>
        code.includes("touch handled"),
      );
      const folder = await mkdtemp(join(tmpdir(), "edge-events-poll-"));
      const env = { ...process.env, API: server.url, TOKEN: STAFF_TOKEN };
      const round = async () => {
        const code = `sleep() { exit 0; }\n${script?.code}`;
        const { stdout } = await promisify(execFile)("sh", ["-c", code], { cwd: folder, env });
        return stdout.match(/"message":"[^"]*"/g);
      };
      await push(0, "First.", "Second.");
      assert.deepEqual(await round(), ['"message":"First."', '"message":"Second."']);
      await push(0, "Third, of the same time.");
      await push(-1, "Late.");
      assert.deepEqual(await round(), ['"message":"Late."', '"message":"Third, of the same time."']);
      assert.equal(await round(), null);
      await rm(folder, { recursive: true, force: true });
    }));
});
