import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { database } from "../../src/db/client.ts";
import { recordEvents } from "../../src/events/write/record.ts";
import { idUuid } from "../../src/ingest/identity.ts";
import { DEAD_LETTER_QUEUE_NAME } from "../../src/ingest/queue/names.ts";
import { deliver } from "../support/batch.ts";
import { hook, rows } from "../support/ingest.ts";
import { aQueue } from "../support/queue.ts";
import { anEvent, hex, recorded, request } from "../support/world.ts";

const INGEST_SECRETS = JSON.stringify({
  honest: ["s"],
  stranger: ["s"],
  upstream: { secrets: ["s"], is_upstream: true },
  second: { secrets: ["s"], is_upstream: true },
});
const [ONE, TWO] = ["0b5c1a4e000040008000000000000001", "0b5c1a4e000040008000000000000002"];
const DERIVED = expect.stringMatching(/^.{12}8/);

/** Sends an event without delivering it. */
async function post(producer: string, event: object, more: Record<string, string> = {}) {
  const { queue, bodies } = aQueue();
  const headers = { Authorization: "Bearer s", "Content-Type": "application/json", ...more };
  const init = { method: "POST", headers, body: JSON.stringify(event) };
  const response = await request(`/ingest/${producer}`, init, { INGEST_SECRETS, INGEST_QUEUE: queue });
  const { uuids, receipts } = await response.json<{ uuids?: string[]; receipts?: string[] }>();
  return { status: response.status, bodies, uuid: uuids?.[0], receipt: receipts?.[0] };
}

async function send(producer: string, event: object, more: Record<string, string> = {}) {
  const sent = await post(producer, event, more);
  await deliver(sent.bodies, { INGEST_SECRETS });
  return sent;
}

async function stateOf(producer: string, { receipt }: { receipt: string | undefined }) {
  const init = { headers: { Authorization: "Bearer s" } };
  return (await request(`/ingest/${producer}/receipts/${receipt}`, init, { INGEST_SECRETS })).json();
}

const stored = async () => (await rows("events")).map(({ uuid, message }) => [uuid, message]);
const named = (uuid: string | undefined, message: string) => hook({ uuid, message });

it("an event that two producers sent without an id keeps its uuid when one of them sends it with an id", async () => {
  await send("stranger", hook({ message: "A" }));
  const honest = await send("honest", hook({ message: "A" }));
  const renaming = await send("stranger", named(ONE, "A"));

  expect(await stored()).toEqual([[honest.uuid, "A"]]);
  expect(await stateOf("honest", honest)).toMatchObject({ status: "stored", uuid: honest.uuid });
  expect(await stateOf("stranger", renaming)).toMatchObject({ status: "stored", uuid: honest.uuid });
});

it("an event keeps the uuid of upstream that another producer sent with it first", async () => {
  await send("stranger", named(ONE, "A"));
  await send("upstream", named(ONE, "A"));
  await send("upstream", named(TWO, "A"));

  expect(await stored()).toEqual([
    [ONE, "A"],
    [TWO, "A"],
  ]);
});

it("an event gives its uuid up to upstream also when its producer has used the substitute", async () => {
  await send("honest", named(ONE, "A"));
  await send("stranger", named(ONE, "B"));
  await send("upstream", named(TWO, "A"));
  const claim = await send("stranger", named(ONE, "C"));
  await send("upstream", named(ONE, "D"));

  expect(await stored()).toEqual([
    [TWO, "A"],
    [DERIVED, "B"],
    [DERIVED, "C"],
    [ONE, "D"],
  ]);
  expect(await stateOf("stranger", claim)).toMatchObject({ status: "stored", uuid: DERIVED });
  expect(await rows("dead_letters")).toEqual([]);
});

it("an event that two producers sent with one id is found by the receipts of both when upstream takes the id", async () => {
  const sent = [await send("stranger", named(ONE, "A")), await send("honest", named(ONE, "A"))];
  await send("upstream", named(ONE, "B"));

  expect(await stateOf("stranger", sent[0] ?? { receipt: "" })).toMatchObject({ status: "stored", uuid: DERIVED });
  expect(await stateOf("honest", sent[1] ?? { receipt: "" })).toMatchObject({ status: "stored", uuid: DERIVED });
});

it("an event that its producer names by a uuid that another takes meanwhile is renamed, under another uuid", async () => {
  await send("honest", hook({ message: "A" }));
  const naming = await post("honest", named(ONE, "A"));
  await send("stranger", named(ONE, "B"));
  await deliver(naming.bodies, { INGEST_SECRETS });

  expect(await stored()).toEqual([
    [DERIVED, "A"],
    [ONE, "B"],
  ]);
  expect((await stored())[0]?.[0]).not.toBe(naming.uuid);
  expect(await stateOf("honest", naming)).toMatchObject({ status: "stored" });
});

it("of two events with one uuid in a batch, the second is stored when the first is stored under another", async () => {
  await send("upstream", named(TWO, "A"));
  const copied = await post("stranger", named(ONE, "A"));
  const other = await post("honest", named(ONE, "B"));
  await deliver([...copied.bodies, ...other.bodies], { INGEST_SECRETS });

  expect(await stored()).toEqual([
    [TWO, "A"],
    [ONE, "B"],
  ]);
});

it("of two events that a producer sends with one uuid, the second is stored when the first is upstream's", async () => {
  await send("upstream", named(TWO, "A"));
  const sent = [await post("stranger", named(ONE, "A")), await post("stranger", named(ONE, "B"))];
  await deliver(
    sent.flatMap(({ bodies }) => bodies),
    { INGEST_SECRETS },
  );

  expect(await stored()).toEqual([
    [TWO, "A"],
    [ONE, "B"],
  ]);
});

it("two sources of truth that take a stranger's uuid in one batch both keep their events", async () => {
  await send("stranger", named(ONE, "A"));
  const sent = [await post("upstream", named(ONE, "B")), await post("second", named(ONE, "C"))];
  await deliver(
    sent.flatMap(({ bodies }) => bodies),
    { INGEST_SECRETS },
  );

  expect(await stored()).toEqual([
    [DERIVED, "A"],
    [ONE, "B"],
    [DERIVED, "C"],
  ]);
  expect(await rows("dead_letters")).toEqual([]);
});

it.each([
  ["another producer's, for a producer that is not upstream", false, false],
  ["upstream's, for another upstream", true, true],
])("an eviction that is late never moves an event: %s", async (_what, isStoredUpstream, isUpstream) => {
  const [a, b, free] = [hex("a"), hex("b"), hex("free")];
  await recorded(anEvent({ uuid: ONE, content: a, producer: "first", isUpstream: isStoredUpstream }));
  const late = anEvent({ uuid: ONE, content: b, producer: "second", isUpstream });
  const { conflicts } = await recordEvents(database(env.DB), [late], { evictions: new Map([[ONE, [free]]]) });

  expect(conflicts).toHaveLength(1);
  expect((await rows("events")).map(({ uuid, content }) => [uuid, content])).toEqual([[ONE, a]]);
});

it("an event whose uuid the server derived from its id may be sent back by anybody, with its uuid", async () => {
  const { uuid } = await send("honest", named(undefined, "A"), { "Idempotency-Key": "order-1" });
  const back = await send("stranger", named(uuid, "A"));

  expect([back.status, back.uuid]).toEqual([202, uuid]);
  expect(await stored()).toEqual([[uuid, "A"]]);
});

it("a producer that sends its own derived uuid for another event is told of the conflict", async () => {
  const { uuid } = await send("honest", named(undefined, "A"), { "Idempotency-Key": "order-1" });

  expect((await send("honest", named(uuid, "B"))).status).toBe(409);
  expect((await send("stranger", named(uuid, "B"))).status).toBe(400);
});

it("upstream may send any uuid, also one that the server derives for another producer", async () => {
  const derived = await idUuid("honest", { kind: "idempotency-key", parts: ["order-1", 0] });
  const sent = await send("upstream", named(derived, "A"));

  expect([sent.status, sent.uuid]).toEqual([202, derived]);
  expect(await stored()).toEqual([[derived, "A"]]);
});

it("a dead letter that is sent again keeps the rights that its producer had", async () => {
  const { bodies } = await post("upstream", named(ONE, "A"));
  await deliver(bodies, { INGEST_SECRETS }, { queue: DEAD_LETTER_QUEUE_NAME });
  await send("stranger", named(ONE, "B"));
  await deliver((await rows("dead_letters")).map(({ body }) => body));

  expect(await stored()).toEqual([
    [DERIVED, "B"],
    [ONE, "A"],
  ]);
});
