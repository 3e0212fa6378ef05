import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { database } from "../../../src/db/client.ts";
import { recordEvents } from "../../../src/events/write/record.ts";
import { bigLog, load } from "../../support/big-log.ts";
import { aMeteredDatabase, rows } from "../../support/ingest.ts";
import { aPerson } from "../../support/people.ts";
import { emptyStorage, migrate } from "../../support/storage.ts";
import { anEvent, get, hex, recorded, rowsRead } from "../../support/world.ts";

const [OURS, THEIRS] = ["a".repeat(32), "b".repeat(32)];
const CONTENT = hex("content");
const UUID = hex("waldur's");

const unnamed = () => anEvent({ uuid: CONTENT, context: { customer_uuid: OURS }, created: 1_760_000_000_000_000 });
const named = () => ({ ...unnamed(), uuid: UUID, content: CONTENT });

describe("an event that takes another uuid", () => {
  it("changes the versions of the series that it is in, and of no other", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(unnamed(), anEvent({ context: { customer_uuid: THEIRS } }));
    const etag = async (path: string) => (await get(path, token)).headers.get("ETag") ?? "no tag";
    const [ours, theirs, log, search] = [
      `/api/events/?customer_uuid=${OURS}`,
      `/api/events/?customer_uuid=${THEIRS}`,
      "/api/events/",
      "/api/events/?message=event",
    ];
    const before = new Map(
      await Promise.all([ours, theirs, log, search].map(async (path) => [path, await etag(path)] as const)),
    );

    await recorded(named());

    const status = async (path: string) =>
      (await get(path, token, { headers: { "If-None-Match": before.get(path) ?? "" } })).status;
    expect([await status(ours), await status(theirs), await status(log), await status(search)]).toEqual([
      200, 304, 200, 200,
    ]);
    expect(await (await get(ours, token)).json()).toMatchObject([{ uuid: UUID }]);
  });

  it("has a number of its own beside another that changes in the same transaction", async () => {
    await recorded(anEvent({ uuid: UUID, content: hex("another"), producer: "stranger" }), unnamed());

    await recordEvents(database(env.DB), [{ ...named(), isUpstream: true }], {
      evictions: new Map([[UUID, [hex("spare")]]]),
    });

    expect(
      (await rows("log_changes")).map(({ id, event_id, uuid, old_uuid }) => [id, event_id, uuid, old_uuid]),
    ).toEqual([
      [3, 1, hex("spare"), UUID],
      [4, 2, UUID, CONTENT],
    ]);
    expect((await rows("events")).map(({ id, uuid }) => [id, uuid])).toEqual([
      [1, hex("spare")],
      [2, UUID],
    ]);
  });

  it("leaves the kept totals of searches as they are", async () => {
    const { token } = await aPerson({ staff: true });
    await load(Array.from({ length: 2_100 }, () => anEvent({ message: "needle" })));
    await recorded(unnamed());
    const count = () => get("/api/events/count/?message=needle", token);
    const first = rowsRead(await count());

    await recorded(named());

    const again = await count();
    expect(again.headers.get("X-Result-Count")).toBe("2100");
    expect(rowsRead(again)).toBeLessThan(first / 100);
  });

  it("costs a few rows, however large the log is", async () => {
    await load(bigLog(3_000, 7));
    await recorded(unnamed());
    const { DB, cost } = aMeteredDatabase();

    await recordEvents(database(DB), [named()]);

    // The end of the log before and after, the entry with its terms, the event with two indexes, two counters.
    expect(cost.rowsWritten).toBe(9);
    expect(cost.rowsRead).toBeLessThan(100);
  });
});

describe("a deletion", () => {
  it("is an entry with what decides who may learn of it, after all entries before", async () => {
    const event = anEvent({
      eventType: "project_creation_succeeded",
      context: { customer_uuid: OURS, project_uuid: THEIRS.toUpperCase() },
    });
    await recorded(event, anEvent());

    await env.DB.exec("DELETE FROM events WHERE id = 1");

    const [entry, ...others] = await rows("log_changes");
    expect(others).toEqual([]);
    expect(entry).toMatchObject({ id: 3, op: "removed", event_id: 1, uuid: event.uuid, created: event.created });
    expect(entry?.type).toBe(
      await env.DB.prepare("SELECT id FROM event_types WHERE name = ?").bind(event.eventType).first("id"),
    );
    expect(Object.keys(JSON.parse(String(entry?.scopes))).sort()).toEqual([OURS, THEIRS]);
  });

  it("of the newest events is numbered after them, and their numbers are not used again", async () => {
    await recorded(anEvent(), anEvent(), anEvent());
    await env.DB.exec("DELETE FROM events");
    await recorded(anEvent());

    expect((await rows("log_changes")).map(({ id }) => id)).toEqual([4, 5, 6]);
    expect((await rows("events")).map(({ id }) => id)).toEqual([7]);
  });
});

it("a database with gaps goes on after the highest number that it has used, and knows up to where it has gaps", async () => {
  const isOlder = ({ name }: { name: string }) => name < "0018_log_sequence.sql";
  await emptyStorage(env.TEST_MIGRATIONS.filter(isOlder));
  await env.DB.prepare(
    `INSERT INTO events (id, uuid, created, type, message, context, producer, upstream, received_at)
      SELECT value, value, 0, 1, '', '{}', 'waldur', 0, 0 FROM json_each('[1, 5, 9]')`,
  ).run();
  await env.DB.exec("DELETE FROM events WHERE id = 9");

  await migrate(env.TEST_MIGRATIONS.filter((migration) => !isOlder(migration)));
  await recorded(anEvent());

  expect((await rows("events")).map(({ id }) => id)).toEqual([1, 5, 10]);
  expect(await rows("commit_watermark")).toMatchObject([
    { last_change: 9, dense_from: 9, incarnation: expect.any(Number) },
  ]);
});
