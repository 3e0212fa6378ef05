import { expect, it } from "vitest";
import { deliver } from "../../support/batch.ts";
import { gzipped, push } from "../../support/ingest.ts";
import { aPerson } from "../../support/people.ts";
import { aQueue } from "../../support/queue.ts";
import { get, messages, query } from "../../support/world.ts";

/** A context as a sender may write it, and as it is stored and printed. */
const SENT =
  '{ "10": 1.50, "9": {"2": [12345678901234567890], "1": null}, "b": "\\u00e9\\/", "a": 1, "9": {"7":0, "6":-0} }';
const KEPT = '{"10":1.50,"9":{"7":0,"6":-0},"b":"é/","a":1}';

const CREATED = "2026-03-01T12:00:00Z";
const WALDUR = `{"event_type":"t","message":"m","created":"${CREATED}","context":${SENT}}`;
const DATA = `{"message":"m",${SENT.slice(1)}`;
const CLOUD = { "ce-specversion": "1.0", "ce-id": "1", "ce-source": "/a", "ce-type": "t", "ce-time": CREATED };
const CLOUD_EVENT = `{"specversion":"1.0","id":"1","source":"/a","type":"t","time":"${CREATED}","data":${DATA}}`;

/** Sends a body and delivers what it comes to; the text of the list, and the status of the same sent again. */
async function stored(body: BodyInit, headers: Record<string, string>) {
  const { token } = await aPerson({ staff: true });
  const { queue, bodies } = aQueue();
  const response = await push("", { queue, body, headers });
  if (response.status !== 202) throw new Error(await response.text());
  await deliver(bodies);
  const list = await get("/api/events/?field=context", token);
  return list.text();
}

it.each([
  ["JSON", WALDUR, { "Content-Type": "application/json" }],
  ["a list of JSON", `[${WALDUR}]`, { "Content-Type": "application/json" }],
  ["NDJSON", `${WALDUR}\n`, { "Content-Type": "application/x-ndjson" }],
  ["a CloudEvent", CLOUD_EVENT, { "Content-Type": "application/cloudevents+json" }],
  ["CloudEvents", `[${CLOUD_EVENT}]`, { "Content-Type": "application/cloudevents-batch+json" }],
  ["a CloudEvent in binary mode", DATA, { ...CLOUD, "Content-Type": "application/json" }],
  [
    "a CloudEvent with a context",
    `{"message":"m","context":${SENT}}`,
    { ...CLOUD, "Content-Type": "application/json" },
  ],
  ["Standard Webhooks", `{"type":"t","timestamp":"${CREATED}","data":${DATA}}`, { "Content-Type": "application/json" }],
])(
  "the context of %s keeps its numbers and the order of its keys, and of equal keys the last",
  async (_format, body, headers) => {
    expect(await stored(body, headers)).toBe(`[{"context":${KEPT}}]`);
  },
);

it("a compressed body is read the same", async () => {
  const headers = { "Content-Type": "application/json", "Content-Encoding": "gzip" };
  expect(await stored(await gzipped(WALDUR), headers)).toBe(`[{"context":${KEPT}}]`);
});

it("the keys of a form are in its order", async () => {
  const headers = { "Content-Type": "application/x-www-form-urlencoded" };
  const body = "event_type=t&message=m&context=b&context=10&context=9&context=b&context=a";
  expect(await stored(body, headers)).toBe('[{"context":{"b":null,"10":null,"9":null,"a":null}}]');
});

it("data that are no object keep their order below the key data", async () => {
  const body = '{"specversion":"1.0","id":"1","source":"/a","type":"t","data":[{"2":1,"1":2}]}';
  expect(await stored(body, { "Content-Type": "application/cloudevents+json" })).toBe(
    '[{"context":{"data":[{"2":1,"1":2}]}}]',
  );
});

it("an event is the same, in whatever order its context is sent, as before the order was kept", async () => {
  const sent = async (context: string) => {
    const { queue } = aQueue();
    const body = `{"event_type":"t","message":"m","created":"${CREATED}","context":${context}}`;
    return (await (await push(body, { queue })).json<{ uuids: string[] }>()).uuids;
  };

  // Computed by commit a3c3347.
  expect(await sent('{"10":1,"9":2,"b":3}')).toEqual(["0628ddd967cc86f880cf910b1ede3d57"]);
  expect(await sent('{"b":3,"9":2,"10":1}')).toEqual(["0628ddd967cc86f880cf910b1ede3d57"]);
});

it("filters and rules read the value that a reader sees, where a key is sent twice", async () => {
  const { token } = await aPerson({ staff: true });
  const [first, last] = ["a".repeat(32), "b".repeat(32)];
  const context = `{"customer_uuid":"${first}","auth_method":"pat","5":1,"customer_uuid":"${last}","auth_method":"token"}`;
  const list = await stored(`{"event_type":"t","message":"m","context":${context}}`, {
    "Content-Type": "application/json",
  });

  expect(list).toBe(`[{"context":{"customer_uuid":"${last}","auth_method":"token","5":1}}]`);
  const found = (...pairs: [string, string][]) => messages(token, query(...pairs));
  expect(await found(["customer_uuid", last], ["auth_method", "token"])).toEqual(["m"]);
  expect(await found(["customer_uuid", first])).toEqual([]);
  expect(await found(["auth_method", "pat"])).toEqual([]);
});
