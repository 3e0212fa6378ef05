import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { deliver } from "../support/batch.ts";
import { aFailingDatabase, aMeteredDatabase, hook, push, rows } from "../support/ingest.ts";
import { aQueue } from "../support/queue.ts";
import { request } from "../support/world.ts";

const UUID = "0b5c1a4e000040008000000000000001";
const stored = async () => (await rows("events")).map(({ uuid }) => uuid);
const changes = async () =>
  (await rows("log_changes")).map(({ id, op, event_id, uuid, old_uuid }) => [id, op, event_id, uuid, old_uuid]);

/** Sends events; returns the uuids of the answer and what would go through the queue. */
async function sent(events: unknown, headers: Record<string, string> = {}) {
  const { queue, bodies } = aQueue();
  const response = await push(events, { queue, headers });
  const answer = await response.json<{ uuids: string[]; conflicts?: unknown[] }>();
  return { status: response.status, ...answer, bodies };
}

describe("an id of a producer", () => {
  it.each([["webhook-id"], ["Idempotency-Key"]])("in %s names its event for good", async (name) => {
    const first = await sent(hook({ created: undefined }), { [name]: "order-1" });
    await deliver(first.bodies);
    const again = await sent(hook({ created: undefined }), { [name]: "order-1" });
    expect([again.status, again.uuids]).toEqual([202, first.uuids]);
    await deliver(again.bodies);
    expect(await stored()).toEqual(first.uuids);
    const other = await sent(hook({ created: undefined }), { [name]: "order-2" });
    expect(other.uuids).not.toEqual(first.uuids);
  });

  it("names every event of a request by its place", async () => {
    const events = [hook(), hook()];
    const { uuids, bodies } = await sent(events, { "Idempotency-Key": "batch" });
    expect(new Set(uuids).size).toBe(2);
    await deliver([...bodies, ...(await sent(events, { "Idempotency-Key": "batch" })).bodies]);
    expect(await stored()).toEqual(uuids);
  });

  it("belongs to one producer: another's is another event", async () => {
    const INGEST_SECRETS = JSON.stringify({ waldur: ["waldur-secret"], other: ["s"] });
    const { uuids } = await sent(hook(), { "Idempotency-Key": "1" });
    const headers = { Authorization: "Bearer s", "Content-Type": "application/json", "Idempotency-Key": "1" };
    const response = await request(
      "/ingest/other",
      { method: "POST", body: JSON.stringify(hook()), headers },
      { INGEST_SECRETS, INGEST_QUEUE: aQueue().queue },
    );
    expect((await response.json<{ uuids: string[] }>()).uuids).not.toEqual(uuids);
  });

  it.each([
    ["uuid", { uuid: UUID }, {}],
    ["Idempotency-Key", {}, { "Idempotency-Key": "k" }],
  ])(
    "in %s with other content is 409, naming both, and nothing of the request is accepted",
    async (_, more, headers) => {
      const first = await sent(hook(more), headers);
      await deliver(first.bodies);
      const response = await sent([hook({ ...more, message: "Other" }), hook({ message: "New" })], headers);
      expect(response).toMatchObject({
        status: 409,
        conflicts: [
          {
            index: 0,
            uuid: first.uuids[0],
            content_stored: expect.stringMatching(/^[\da-f]{32}$/),
            content_sent: expect.stringMatching(/^[\da-f]{32}$/),
          },
        ],
      });
      expect(response.bodies.filter((body) => body.includes("New"))).toEqual([]);
    },
  );

  it("used twice in one request for different events is 409", async () => {
    expect((await sent([hook({ uuid: UUID }), hook({ uuid: UUID, message: "b" })])).status).toBe(409);
    expect((await sent([hook({ uuid: UUID }), hook({ uuid: UUID })])).status).toBe(202);
  });

  it("that is the uuid of an event that came without one, for another event, is 409", async () => {
    const first = await sent(hook());
    await deliver(first.bodies);
    expect((await sent(hook({ uuid: first.uuids[0] }))).status).toBe(202);
    expect((await sent(hook({ uuid: first.uuids[0], message: "b" }))).status).toBe(409);
  });

  it("that cannot be looked up, as the database is away, is left to the consumer", async () => {
    await deliver((await sent(hook({ uuid: UUID }))).bodies);
    const { queue, bodies } = aQueue();
    const { DB } = aFailingDatabase("D1_ERROR: D1 DB is overloaded.", 1);
    const response = await push(hook({ uuid: UUID, message: "Other" }), { queue, changed: { DB } });
    expect(response.status).toBe(202);
    await deliver(bodies);
    expect(await rows("dead_letters")).toMatchObject([{ reason: "conflict", uuid: UUID, producer: "waldur" }]);
    expect(await rows("events")).toMatchObject([{ uuid: UUID, message: hook().message }]);
  });
});

describe("an event that comes by web hook and with Waldur's uuid", () => {
  const web = () => sent(hook());
  const api = () => sent(hook({ uuid: UUID }));

  it("is one event with Waldur's uuid when the hook comes first, and the change is an entry of the log", async () => {
    const first = await web();
    await deliver(first.bodies);
    await deliver((await api()).bodies);
    expect([await stored(), await changes()]).toEqual([[UUID], [[2, "identity", 1, UUID, first.uuids[0]]]]);
    expect(await rows("event_scopes")).toHaveLength(2);
  });

  it("is one event when the hook comes last", async () => {
    await deliver((await api()).bodies);
    await deliver((await web()).bodies);
    expect([await stored(), await changes()]).toEqual([[UUID], []]);
    expect(await rows("event_scopes")).toHaveLength(2);
  });

  it("is one event in any order, however often each comes, in one batch or in many", async () => {
    const [hooked, named] = [(await web()).bodies, (await api()).bodies];
    const orders = [
      [...hooked, ...named],
      [...named, ...hooked],
      [...hooked, ...hooked, ...named, ...hooked],
    ];
    for (const order of orders) {
      await env.DB.exec("DELETE FROM events; DELETE FROM event_scopes");
      await deliver(order);
      for (const body of order.toReversed()) await deliver([body]);
      expect(await stored()).toEqual([UUID]);
      expect(await rows("event_scopes")).toHaveLength(2);
    }
  });

  it("is one of two events with ids and its content, and both stay, in any order", async () => {
    const other = "0b5c1a4e000040008000000000000002";
    const all = [...(await web()).bodies, ...(await api()).bodies, ...(await sent(hook({ uuid: other }))).bodies];
    for (const order of [all, all.toReversed(), [1, 0, 2].map((index) => all[index])]) {
      await env.DB.exec("DELETE FROM events; DELETE FROM event_scopes");
      for (const body of order) await deliver([body]);
      expect((await stored()).toSorted()).toEqual([UUID, other]);
      await deliver(order);
      expect(await stored()).toHaveLength(2);
    }
  });
});

it.each([1, 200])(
  "a second delivery of %i events changes nothing, writes 1 row and reads about 20 for each",
  async (count) => {
    const { bodies } = await sent(Array.from({ length: count }, (_, index) => hook({ message: `m${index}` })));
    await deliver(bodies);
    const stored = {
      events: await rows("events"),
      scopes: await rows("event_scopes"),
      days: await rows("ingest_days"),
    };
    const { DB, cost } = aMeteredDatabase();

    expect(await deliver(bodies, { DB })).toEqual(bodies.map(() => "acked"));

    expect(stored.events).toHaveLength(count);
    expect({
      events: await rows("events"),
      scopes: await rows("event_scopes"),
      days: await rows("ingest_days"),
    }).toEqual(stored);
    expect(cost.rowsWritten).toBe(1);
    expect(cost.rowsRead).toBeLessThan(250 + 20 * count);
  },
);
