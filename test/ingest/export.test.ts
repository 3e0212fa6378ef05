import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Env } from "../../src/env.ts";
import { MAX_EVENT_BYTES } from "../../src/ingest/event.ts";
import { deliver } from "../support/batch.ts";
import { aFailingDatabase, hook, rows } from "../support/ingest.ts";
import { aPerson } from "../support/people.ts";
import { aQueue } from "../support/queue.ts";
import { emptyStorage } from "../support/storage.ts";
import { get, request } from "../support/world.ts";

/** A request of a producer. */
interface Sending {
  body: string;
  headers: Record<string, string>;
}

type Printed = Record<string, unknown>;

const PRODUCERS = ["plain", "upstream"] as const;
const INGEST_SECRETS = JSON.stringify({
  plain: ["s"],
  stranger: ["s"],
  upstream: { secrets: ["s"], is_upstream: true },
});
const UUID = "0b5c1a4e000040008000000000000001";
const ALL_FIELDS = ["id", "uuid", "created", "event_type", "message", "context"];

async function send(producer: string, { body, headers }: Sending, changed: Partial<Env> = {}) {
  const { queue, bodies } = aQueue();
  const init = { method: "POST", body, headers: { Authorization: "Bearer s", ...headers } };
  const response = await request(`/ingest/${producer}`, init, { INGEST_SECRETS, INGEST_QUEUE: queue, ...changed });
  await deliver(bodies, { INGEST_SECRETS });
  return { status: response.status, ...(await response.json<{ uuids?: string[]; warnings?: string[] }>()) };
}

const json = (value: unknown, headers: Record<string, string> = {}): Sending => ({
  body: JSON.stringify(value),
  headers: { "Content-Type": "application/json", ...headers },
});

/** All events as the list prints them, each as JSON text. */
async function exported(): Promise<string> {
  const { token } = await aPerson({ staff: true });
  const fields = ALL_FIELDS.map((field) => `field=${field}`).join("&");
  return (await get(`/api/events/?page_size=300&${fields}`, token)).text();
}

/** Well-formed text without NUL, of any script. */
const text = fc.string({ unit: "grapheme", maxLength: 12 }).filter((value) => !value.includes("\0"));
const someText = text.filter((value) => value !== "");
const value = fc.oneof(
  text,
  fc.constant(77),
  fc.integer(),
  fc.double({ noNaN: true }),
  fc.boolean(),
  fc.constant(null),
);
const context = fc.dictionary(text, fc.oneof(value, fc.array(value, { maxLength: 3 }), fc.dictionary(text, value)), {
  maxKeys: 4,
});
const time = fc
  .date({ min: new Date("1700-01-01T00:00:00Z"), max: new Date("2250-01-01T00:00:00Z"), noInvalidDate: true })
  .map((date) => date.toISOString().replace("Z", "004+00:00"));
const maybe = <T>(from: fc.Arbitrary<T>) => fc.option(from, { nil: undefined });
const type = fc.oneof(fc.constantFrom("user_activated", "project_created"), someText);
const id = fc.string({ unit: fc.constantFrom(..."abc123"), minLength: 1, maxLength: 20 });
const key = maybe(fc.tuple(fc.constantFrom("Idempotency-Key", "webhook-id"), id)).map(
  (pair): Record<string, string> => (pair ? { [pair[0]]: pair[1] } : {}),
);

const event = fc.record({
  uuid: maybe(fc.uuid({ version: 4 })),
  created: maybe(time),
  event_type: type,
  message: someText,
  context: maybe(context),
});
const cloudEvent = fc.record({
  specversion: fc.constant("1.0"),
  id: someText,
  source: someText,
  type: type.filter((name) => name.trim() === name),
  subject: maybe(someText),
  time: maybe(time),
  data: maybe(fc.oneof(context, fc.record({ message: someText, context }), text)),
});

/** The numbers that JSON.stringify would not write, in the place of the number 77. */
const withExactNumbers = (sending: Sending): Sending => ({
  ...sending,
  body: sending.body.replaceAll(/:77([,}])/g, ":1.50e400$1"),
});

const encoded = (attribute: string) => encodeURIComponent(attribute).replaceAll("'", "%27");

const sending: fc.Arbitrary<Sending> = fc
  .oneof(
    fc.tuple(fc.array(event, { minLength: 1, maxLength: 3 }), key).map(([events, headers]) => json(events, headers)),
    fc.tuple(fc.array(event, { minLength: 1, maxLength: 3 }), key).map(([events, headers]) => ({
      body: events.map((one) => JSON.stringify(one)).join("\n"),
      headers: { "Content-Type": "application/x-ndjson", ...headers },
    })),
    fc.tuple(event, key).map(([{ context: values = {}, ...fields }, headers]) => ({
      body: String(
        new URLSearchParams([
          ...Object.entries(fields).flatMap(([name, one]): [string, string][] =>
            one === undefined ? [] : [[name, one]],
          ),
          ...Object.keys(values).map((name): [string, string] => ["context", name]),
        ]),
      ),
      headers: { "Content-Type": "application/x-www-form-urlencoded", ...headers },
    })),
    fc
      .tuple(type, time, fc.oneof(context, fc.record({ message: someText, context }), text), key)
      .map(([name, timestamp, data, headers]) => json({ type: name, timestamp, data }, headers)),
    cloudEvent.map((one) => json(one, { "Content-Type": "application/cloudevents+json" })),
    fc
      .uniqueArray(cloudEvent, { maxLength: 3, selector: (one) => `${one.source} ${one.id}` })
      .map((events) => json(events, { "Content-Type": "application/cloudevents-batch+json" })),
    cloudEvent.map(({ data, ...attributes }) => ({
      body: data === undefined ? "" : JSON.stringify(data),
      headers: {
        "Content-Type": "application/json",
        ...Object.fromEntries(
          Object.entries(attributes).flatMap(([name, one]) =>
            one === undefined ? [] : [[`ce-${name}`, encoded(one)]],
          ),
        ),
      },
    })),
  )
  .map(withExactNumbers);

const numbered = fc.record({ sendings: fc.array(sending, { minLength: 1, maxLength: 4 }) });

describe("an export that its producer sends back", () => {
  it.each(PRODUCERS)("is all duplicates, however its events were sent first (%s)", async (producer) => {
    await fc.assert(
      fc.asyncProperty(numbered, async ({ sendings }) => {
        await emptyStorage();
        for (const one of sendings) await send(producer, one);
        const before = await rows("events");
        const whole = await exported();
        if (before.length === 0) return;

        const back = await send(producer, { body: whole, headers: { "Content-Type": "application/json" } });

        const printed: Printed[] = JSON.parse(whole);
        expect(back).toMatchObject({ status: 202, uuids: printed.map(({ uuid }) => uuid) });
        expect(await rows("events")).toEqual(before);
        expect(await exported()).toBe(whole);
        expect(await rows("dead_letters")).toEqual([]);
      }),
      { numRuns: 60, seed: 20_261_125 },
    );
  });
});

describe("an event that was first sent with an id and without a time", () => {
  const untimed = hook({ created: undefined });
  const KEYED = { "Idempotency-Key": "order-1" };
  const printed = async (): Promise<Printed> => JSON.parse(await exported())[0];

  it.each([
    ["a key", untimed, KEYED],
    ["a uuid", { ...untimed, uuid: UUID }, {}],
  ])("with %s is a duplicate for its producer and for upstream", async (_, first, headers) => {
    await send("plain", json(first, headers));
    const [before, back] = [await rows("events"), json(await printed())];
    for (const producer of ["plain", "upstream"]) {
      expect(await send(producer, back)).toMatchObject({ status: 202, uuids: [before[0]?.uuid] });
    }
    const [days] = (await rows("ingest_days")).filter(({ producer }) => producer === "plain");
    expect(days).toMatchObject({ accepted: 2, stored: 1, duplicates: 1, dead: 0 });
    expect(await rows("events")).toEqual(before.map((row) => ({ ...row, upstream: 1 })));
  });

  it("is a conflict when anything of it has changed, the time by a microsecond included", async () => {
    await send("plain", json(untimed, KEYED));
    const event = await printed();
    const later = String(event.created).replace(
      /\d{3}Z$/,
      (end) => `${String((parseInt(end, 10) + 1) % 1000).padStart(3, "0")}Z`,
    );
    for (const change of [{ created: later }, { message: "Other" }, { context: {} }, { event_type: "other" }]) {
      expect((await send("plain", json({ ...event, ...change }))).status).toBe(409);
    }
  });

  it.each(PRODUCERS)("is asked for again while the database is away, and not stored twice (%s)", async (producer) => {
    await send("plain", json(untimed, KEYED));
    const [before, back] = [await rows("events"), json(await printed())];
    const { DB } = aFailingDatabase("D1_ERROR: Network connection lost.", 1);

    expect((await send(producer, back, { DB })).status).toBe(503);
    expect(await rows("events")).toEqual(before);
    expect(await rows("dead_letters")).toEqual([]);
  });

  it("tells a stranger nothing about its time, and is not changed by one", async () => {
    await send("plain", json(untimed, KEYED));
    const [before, event] = [await rows("events"), await printed()];
    const right = await send("stranger", json(event));
    const wrong = await send("stranger", json({ ...event, created: "2026-03-01T12:00:00.000001Z" }));

    expect(right.status).toBe(400);
    expect(right).toEqual(wrong);
    expect(await rows("events")).toEqual(before);
  });

  it.each([
    ["as it is printed", {}],
    ["with another time", { created: "2026-03-01T12:00:00.000001Z" }],
  ])("with a uuid that it has chosen, becomes another event when a stranger sends it %s", async (_, change) => {
    await send("plain", json({ ...untimed, uuid: UUID }));
    const before = await rows("events");
    const { id, ...event } = await printed();
    const copy = await send("stranger", json({ ...event, ...change }));

    expect(copy).toMatchObject({ status: 202, warnings: [expect.stringContaining("1 uuid belongs")] });
    expect(copy.uuids).not.toEqual([UUID]);
    expect(await rows("events")).toEqual([...before, expect.objectContaining({ producer: "stranger" })]);
  });
});

it("the largest event is taken back, although its uuid, its time and its id are printed with it", async () => {
  const bare = { event_type: "t", message: "" };
  const message = "x".repeat(MAX_EVENT_BYTES - JSON.stringify(bare).length);
  const sent = await send("plain", json({ ...bare, message }));
  const whole = await exported();
  expect(whole.length).toBeGreaterThan(MAX_EVENT_BYTES);

  expect(await send("plain", { body: whole, headers: { "Content-Type": "application/json" } })).toMatchObject({
    status: 202,
    uuids: sent.uuids,
  });
  const larger = whole.replace('"x', '"xx');
  expect((await send("plain", { body: larger, headers: { "Content-Type": "application/json" } })).status).toBe(400);
});
