import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Collector } from "./collector.ts";
import { type EmptyServer, startEmptyServer } from "./empty-server.ts";
import { consumed } from "./journal.ts";

const STAFF_TOKEN = "0123456789abcdef0123456789abcdef01234567";
const INGEST_SECRET = "secret-of-a-followed-server";
/** Ends a test that hangs. */
const HANGING = { timeout: 120_000 };

describe("npm run tail, with the real server", () => {
  let server: EmptyServer["server"];
  let database: EmptyServer["database"];
  let remove: EmptyServer["remove"] | undefined;
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "edge-events-tail-"));
    ({ server, database, remove } = await startEmptyServer({ STAFF_TOKEN, INGEST_SECRET }));
  });
  after(async () => {
    await remove?.();
    await rm(folder, { recursive: true, force: true });
  });

  const collector = (...args: string[]) =>
    new Collector(args, { EDGE_EVENTS_URL: server.url, EDGE_EVENTS_TOKEN: STAFF_TOKEN });

  async function push(...messages: string[]): Promise<void> {
    const body = JSON.stringify(messages.map((message) => ({ event_type: "user_activated", message, context: {} })));
    const headers = { Authorization: `Bearer ${INGEST_SECRET}`, "Content-Type": "application/json" };
    const { status } = await fetch(`${server.url}/ingest/local`, { method: "POST", headers, body });
    assert.equal(status, 202);
    await consumed(database.target.stateDir);
  }

  const messagesOf = ({ lines }: Collector): string[] => lines.map((line) => JSON.parse(line).message);

  it("prints what is there, then what comes, and goes on where it was killed", HANGING, async () => {
    const state = ["--state", join(folder, "state.json")];
    await push("one", "two");
    const first = collector(...state);
    await first.hasPrinted("two");
    await push("three");
    await first.hasPrinted("three");
    first.kill("SIGTERM");
    assert.equal(await first.ended(), 0);
    await push("four");

    const second = collector(...state, "--once");
    assert.equal(await second.ended(), 0, second.stderr);

    assert.deepEqual([messagesOf(first), messagesOf(second)], [["one", "two", "three"], ["four"]]);
  });

  it("has the events of its filter only, and ends at a limit", HANGING, async () => {
    const found = collector("--message", "w", "--once");
    const limited = collector("--limit", "1");
    assert.deepEqual([await found.ended(), await limited.ended()], [0, 0]);
    assert.deepEqual([messagesOf(found), messagesOf(limited)], [["two"], ["one"]]);
  });

  it("says what is wrong with a token or an offset, and ends", HANGING, async () => {
    const stranger = collector("--token", "eev_0000000000000000000000000000000000000000");
    const lost = collector("--from", "0mwwiscpv.00000000002.0.bb5bb1b3a770");
    assert.deepEqual([await stranger.ended(), await lost.ended()], [1, 1]);
    assert.match(stranger.stderr, /does not know the token \(401\)/);
    assert.match(lost.stderr, /not an offset of this feed/);
  });
});
