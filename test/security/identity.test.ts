import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { contentUuid, idUuid } from "../../src/ingest/identity.ts";
import { parseTime } from "../../src/values/time.ts";
import { deliver } from "../support/batch.ts";
import { aFailingDatabase, aMeteredDatabase, hook, rows } from "../support/ingest.ts";
import { aQueue } from "../support/queue.ts";
import { request } from "../support/world.ts";

const INGEST_SECRETS = JSON.stringify({
  honest: ["honest"],
  stranger: ["stranger"],
  third: ["third"],
  upstream: { secrets: ["upstream"], is_upstream: true },
});
type Producer = "honest" | "stranger" | "third" | "upstream";

const UUID = "0b5c1a4e000040008000000000000001";
const OTHER = "0b5c1a4e000040008000000000000002";

interface Answer {
  status: number;
  uuids: string[];
  receipts: string[];
  warnings?: string[];
  /** The messages for the queue. */
  bodies: string[];
  detail?: string;
}

/** Sends events without delivering them. */
async function post(producer: Producer, events: object, headers: Record<string, string> = {}, DB = env.DB) {
  const { queue, bodies } = aQueue();
  const response = await request(
    `/ingest/${producer}`,
    {
      method: "POST",
      headers: { Authorization: `Bearer ${producer}`, "Content-Type": "application/json", ...headers },
      body: JSON.stringify(events),
    },
    { INGEST_SECRETS, INGEST_QUEUE: queue, DB },
  );
  return { status: response.status, bodies, ...(await response.json<object>()) } as Answer;
}

async function send(producer: Producer, events: object, headers: Record<string, string> = {}): Promise<Answer> {
  const answer = await post(producer, events, headers);
  await deliver(answer.bodies, { INGEST_SECRETS });
  return answer;
}

const stored = async () => (await rows("events")).map(({ uuid, producer, message }) => ({ uuid, producer, message }));

const receipt = async (producer: Producer, id: string | undefined) => {
  const headers = { Authorization: `Bearer ${producer}` };
  return (await request(`/ingest/${producer}/receipts/${id}`, { headers }, { INGEST_SECRETS })).json<object>();
};

describe("a stranger never blocks the event of another producer", () => {
  it("by claiming beforehand the uuid that the server derives from its id", async () => {
    const derived = await idUuid("honest", { kind: "idempotency-key", parts: ["order-1", 0] });
    const claim = await send("stranger", hook({ uuid: derived, message: "Claimed" }));
    const honest = await send("honest", hook(), { "Idempotency-Key": "order-1" });

    expect([claim.status, honest.status, honest.uuids]).toEqual([400, 202, [derived]]);
    expect(await stored()).toEqual([{ uuid: derived, producer: "honest", message: hook().message }]);
  });

  it("by claiming beforehand the uuid that the server derives from its content", async () => {
    const { created, event_type: eventType, message, context } = hook();
    const derived = await contentUuid({ created: parseTime(created) ?? 0, eventType, message, context });
    const claim = await send("stranger", hook({ uuid: derived, message: "Claimed" }));
    const honest = await send("honest", hook());

    expect([claim.status, honest.status, honest.uuids]).toEqual([400, 202, [derived]]);
    expect(await stored()).toEqual([{ uuid: derived, producer: "honest", message: hook().message }]);
  });

  it("by claiming a derived uuid while the database does not answer", async () => {
    const derived = await idUuid("honest", { kind: "idempotency-key", parts: ["order-1", 0] });
    const { DB } = aFailingDatabase("D1_ERROR: D1 DB is overloaded.", 1);

    const claim = await post("stranger", hook({ uuid: derived }), {}, DB);
    expect([claim.status, claim.bodies]).toEqual([503, []]);
  });

  it("by claiming a uuid that the other is going to choose: the event is stored under another, always the same", async () => {
    await send("stranger", hook({ uuid: UUID, message: "Claimed" }));
    const first = await send("honest", hook({ uuid: UUID }));
    const again = await send("honest", hook({ uuid: UUID }));

    expect(first).toMatchObject({
      status: 202,
      warnings: [expect.stringContaining("1 uuid belongs to events of another")],
    });
    expect(again.uuids).toEqual(first.uuids);
    expect(await stored()).toEqual([
      { uuid: UUID, producer: "stranger", message: "Claimed" },
      { uuid: first.uuids[0], producer: "honest", message: hook().message },
    ]);
    expect(await receipt("honest", first.receipts[0])).toMatchObject({ status: "stored", uuid: first.uuids[0] });
    expect(await rows("dead_letters")).toEqual([]);
  });

  it("by claiming a uuid between the 202 and the write of the other's event", async () => {
    const honest = await post("honest", hook({ uuid: UUID }));
    await send("stranger", hook({ uuid: UUID, message: "Claimed" }));
    await deliver(honest.bodies, { INGEST_SECRETS });
    await deliver(honest.bodies, { INGEST_SECRETS });

    expect(await stored()).toHaveLength(2);
    expect(await receipt("honest", honest.receipts[0])).toMatchObject({
      status: "stored",
      uuid: expect.not.stringContaining(UUID),
    });
    expect(await rows("dead_letters")).toEqual([]);
    expect(await rows("ingest_days")).toMatchObject([
      { producer: "honest", accepted: 1, stored: 1, dead: 0 },
      { producer: "stranger", accepted: 1, stored: 1, dead: 0 },
    ]);
  });

  it("and is not told what the other's event says", async () => {
    await send("honest", hook({ uuid: UUID }));
    const probe = await send("stranger", hook({ uuid: UUID, message: "A guess" }));

    expect(probe.status).toBe(202);
    expect(JSON.stringify(probe)).not.toMatch(/content_stored/);
    expect(await receipt("stranger", UUID)).not.toHaveProperty("status");
  });

  it("and is not told whether an id of the other is in use", async () => {
    const derived = await idUuid("honest", { kind: "idempotency-key", parts: ["order-1", 0] });
    const before = await send("stranger", hook({ uuid: derived, message: "A guess" }));
    await send("honest", hook(), { "Idempotency-Key": "order-1" });
    const after = await send("stranger", hook({ uuid: derived, message: "A guess" }));

    expect(after).toEqual(before);
  });
});

describe("a stranger never renames the event of another producer", () => {
  it("that was sent without an id", async () => {
    const { uuids } = await send("honest", hook());
    await send("stranger", hook({ uuid: UUID }));

    expect(await stored()).toEqual([
      { uuid: uuids[0], producer: "honest", message: hook().message },
      { uuid: UUID, producer: "stranger", message: hook().message },
    ]);
  });

  it("so that the event of upstream is stored twice", async () => {
    await send("honest", hook());
    await send("stranger", hook({ uuid: OTHER }));
    await send("upstream", hook({ uuid: UUID }));

    expect((await stored()).filter(({ producer }) => producer !== "stranger")).toEqual([
      { uuid: UUID, producer: "honest", message: hook().message },
    ]);
  });

  it("nor by sending it first and naming it then", async () => {
    await send("stranger", hook());
    await send("honest", hook());
    await send("stranger", hook({ uuid: OTHER }));
    await send("upstream", hook({ uuid: UUID }));
    await send("stranger", hook({ uuid: OTHER }));
    await send("honest", hook());

    expect((await stored()).map(({ uuid }) => uuid)).toEqual([UUID]);
  });

  it("while its own producer may give it an id", async () => {
    await send("honest", hook());
    await send("honest", hook({ uuid: UUID }));

    expect(await stored()).toEqual([{ uuid: UUID, producer: "honest", message: hook().message }]);
  });
});

describe("upstream never loses its uuids:", () => {
  it("an event of another producer gives up the uuid that it has taken, and stays itself, stored once", async () => {
    const claim = await send("stranger", hook({ uuid: UUID, message: "Claimed" }));
    await send("upstream", hook({ uuid: UUID }));
    await send("stranger", hook({ uuid: UUID, message: "Claimed" }));

    expect(await stored()).toEqual([
      { uuid: expect.stringMatching(/^.{12}8/), producer: "stranger", message: "Claimed" },
      { uuid: UUID, producer: "upstream", message: hook().message },
    ]);
    expect(await receipt("stranger", claim.receipts[0])).toMatchObject({
      status: "stored",
      uuid: expect.stringMatching(/^.{12}8/),
    });
    expect(await rows("dead_letters")).toEqual([]);
  });

  it("readers learn that a row has changed, from an entry of the log before the event of upstream", async () => {
    await send("stranger", hook({ uuid: UUID, message: "Claimed" }));
    await send("upstream", hook({ uuid: UUID }));

    const [evicted, upstream] = await rows("events");
    expect([evicted?.id, upstream?.id]).toEqual([1, 3]);
    expect(await rows("log_changes")).toMatchObject([
      { id: 2, op: "identity", event_id: 1, uuid: evicted?.uuid, old_uuid: UUID, upstream: 0 },
    ]);
  });

  it("an event that upstream has named keeps its uuid from the producer that sent it first, and blocks nothing", async () => {
    await send("stranger", hook({ uuid: OTHER }));
    const late = await post("stranger", hook({ uuid: UUID, message: "Late" }));
    await send("upstream", hook({ uuid: UUID }));
    await deliver(late.bodies, { INGEST_SECRETS });
    const again = await send("stranger", hook({ uuid: UUID, message: "Late" }));

    expect(again).toMatchObject({ status: 202, uuids: [expect.stringMatching(/^.{12}8/)] });
    expect((await stored()).map(({ uuid, message }) => [uuid, message])).toEqual([
      [UUID, hook().message],
      [again.uuids[0], "Late"],
    ]);
    expect(await rows("dead_letters")).toEqual([]);
  });

  it("one upstream does not take the uuid of another's event", async () => {
    await send("upstream", hook({ uuid: UUID }));
    const INGEST = JSON.stringify({ second: { secrets: ["second"], is_upstream: true } });
    const response = await request(
      "/ingest/second",
      {
        method: "POST",
        headers: { Authorization: "Bearer second", "Content-Type": "application/json" },
        body: JSON.stringify(hook({ uuid: UUID, message: "Other" })),
      },
      { INGEST_SECRETS: INGEST, INGEST_QUEUE: aQueue().queue },
    );

    expect((await response.json<Answer>()).warnings).toHaveLength(1);
    expect(await stored()).toEqual([{ uuid: UUID, producer: "upstream", message: hook().message }]);
  });

  it.each([
    [[0, 1, 2], 1],
    [[1, 0, 2], 1],
    [[1, 2, 0], 1],
    [[2, 1, 0], 1],
    // The stranger has added a copy before upstream came, beside the event that upstream names.
    [[0, 2, 1], 2],
    [[2, 0, 1], 2],
  ])("sent in the order %j by two others and by upstream, an event has its uuid once", async (order, count) => {
    const deliveries = [
      await post("honest", hook()),
      await post("upstream", hook({ uuid: UUID })),
      await post("stranger", hook({ uuid: OTHER })),
    ].map(({ bodies }) => bodies);
    for (const index of [...order, ...order]) await deliver(deliveries[index] ?? [], { INGEST_SECRETS });

    const uuids = (await stored()).map(({ uuid }) => uuid);
    expect(uuids.toSorted()).toEqual([UUID, OTHER].slice(0, count));
  });
});

it("an event that the API has printed may be sent back with its uuid by anybody, and is stored once", async () => {
  const { uuids } = await send("honest", hook());
  const back = await send("stranger", hook({ uuid: uuids[0] }));

  expect([back.status, back.uuids]).toEqual([202, uuids]);
  expect(await stored()).toHaveLength(1);
});

it("a stranger that sends an event with the content of many pays as few rows as with the content of none", async () => {
  const equal = (prefix: string) =>
    Array.from({ length: 500 }, (_, index) => hook({ uuid: `${prefix}${String(index).padStart(24, "0")}` }));
  for (const prefix of ["aaaaaaaa", "bbbbbbbb", "cccccccc", "dddddddd"]) await send("stranger", equal(prefix));
  const { bodies } = await post("third", hook());
  const { DB, cost } = aMeteredDatabase();
  await deliver(bodies, { INGEST_SECRETS, DB });

  expect(cost.rowsRead).toBeLessThan(120);
});

it("an event of upstream that takes its uuid from a stranger's costs as few rows as any, however long the log", async () => {
  await send(
    "stranger",
    Array.from({ length: 500 }, (_, index) => hook({ uuid: `${"a".repeat(24)}${String(index).padStart(8, "0")}` })),
  );
  await send("stranger", hook({ uuid: UUID, message: "Claimed" }));
  const { bodies } = await post("upstream", hook({ uuid: UUID, message: "True" }));
  const { DB, cost } = aMeteredDatabase();
  await deliver(bodies, { INGEST_SECRETS, DB });

  expect(cost.rowsRead).toBeLessThan(250);
});

it("events without a time are never taken for the same by their content, where their ids differ", async () => {
  const untimed = (uuid: string) => hook({ uuid, created: undefined });
  const THIRD = "0b5c1a4e000040008000000000000003";
  await send("stranger", untimed(OTHER));
  await send("upstream", untimed(UUID));
  const later = await send("honest", untimed(THIRD));

  expect((await stored()).map(({ uuid }) => uuid).toSorted()).toEqual([UUID, OTHER, THIRD]);
  expect(await receipt("honest", later.receipts[0])).toMatchObject({ status: "stored", uuid: THIRD });
});
