import { describe, expect, it } from "vitest";
import { MAX_EVENT_BYTES, MAX_EVENT_TYPE_LENGTH } from "../../../src/ingest/event.ts";
import { printTime } from "../../../src/values/time.ts";
import { deliver } from "../../support/batch.ts";
import { push, rows } from "../../support/ingest.ts";
import { aQueue } from "../../support/queue.ts";
import { standardWebhook } from "../../support/sign.ts";
import { request } from "../../support/world.ts";

interface Answer {
  detail?: string;
  uuids?: string[];
  warnings?: string[];
  errors?: { index: number; field: string; message: string }[];
}

/** The example of section "Payload structure" of the specification. */
const CONTACT = {
  type: "contact.created",
  timestamp: "2022-11-03T20:26:10.344522Z",
  data: { id: "1f81eb52-5198-4599-803e-771906343485", type: "contact", company_name: "ACME" },
};

async function sent(body: unknown, headers: Record<string, string> = {}) {
  const { queue, bodies } = aQueue();
  const response = await push(body, { queue, headers });
  await deliver(bodies);
  return { status: response.status, ...(await response.json<Answer>()) };
}

const stored = async () =>
  (await rows("events")).map(({ type_name, created, message, context }) => ({
    type: type_name,
    created: printTime(Number(created)),
    message,
    context: JSON.parse(String(context)),
  }));

describe("a message in the shape of Standard Webhooks", () => {
  it("is an event: its type, its time, its data", async () => {
    expect(await sent(CONTACT)).toMatchObject({ status: 202 });
    expect(await stored()).toEqual([
      { type: CONTACT.type, created: CONTACT.timestamp, message: CONTACT.type, context: CONTACT.data },
    ]);
  });

  it.each<[string, unknown, string, unknown]>([
    ["a message and a context", { message: "m", context: { a: 1 } }, "m", { a: 1 }],
    ["a message among others", { message: "m", level: 5 }, "m", { level: 5 }],
    ["a message that is no text, as of a chat", { message: { id: 1 } }, "contact.created", { message: { id: 1 } }],
    ["an empty message", { message: "", a: 1 }, "contact.created", { message: "", a: 1 }],
    ["text", "text", "contact.created", { data: "text" }],
    ["a list", [1], "contact.created", { data: [1] }],
    ["nothing", null, "contact.created", {}],
  ])("whose data are %s becomes an event", async (_, data, message, context) => {
    expect((await sent({ ...CONTACT, data })).status).toBe(202);
    expect(await stored()).toMatchObject([{ message, context }]);
  });

  it("may stand in a list and in a line of NDJSON, beside events of Waldur", async () => {
    const waldur = { event_type: "t", message: "m", type: "x", data: {} };
    expect((await sent([CONTACT, waldur])).status).toBe(202);
    const lines = `${JSON.stringify(CONTACT)}\n${JSON.stringify({ ...CONTACT, type: "contact.deleted" })}`;
    expect((await sent(lines, { "Content-Type": "application/x-ndjson" })).status).toBe(202);
    expect((await stored()).map(({ type }) => type).toSorted()).toEqual(["contact.created", "contact.deleted", "t"]);
  });

  it("is named by the webhook-id that its producer has signed", async () => {
    const key = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const INGEST_SECRETS = JSON.stringify({ signer: { auth: "standard-webhooks", secrets: [key], tolerance: 1e12 } });
    const post = async (body: string) => {
      const { queue, bodies } = aQueue();
      const headers = {
        ...(await standardWebhook(key, "msg_1", 1_790_000_000, body)),
        "Content-Type": "application/json",
      };
      const response = await request(
        "/ingest/signer",
        { method: "POST", body, headers },
        { INGEST_SECRETS, INGEST_QUEUE: queue },
      );
      await deliver(bodies);
      return { status: response.status, ...(await response.json<Answer>()) };
    };
    const first = await post(JSON.stringify(CONTACT));
    const again = await post(JSON.stringify(CONTACT));
    const other = await post(JSON.stringify({ ...CONTACT, data: {} }));
    expect([first.status, again.status, again.uuids, other.status]).toEqual([202, 202, first.uuids, 409]);
    expect(await stored()).toHaveLength(1);
  });

  it.each<[string, object, string, string]>([
    ["has no time", { timestamp: undefined }, "timestamp", "Is required."],
    [
      "has a number for a time",
      { timestamp: 1_667_507_170 },
      "timestamp",
      "Must be a time in ISO 8601 with an offset or Z.",
    ],
    ["has too long a type", { type: "x".repeat(MAX_EVENT_TYPE_LENGTH + 1) }, "type", "Must be at most 100 characters."],
    ["has a type that is not text", { type: 5 }, "type", "Must be text."],
    ["has a NUL in its message", { data: { message: "\0" } }, "data.message", "Must not contain NUL characters."],
    ["has a NUL in its data", { data: { a: "\0" } }, "data", "Must not contain NUL characters."],
    ["has a context that is none", { data: { message: "m", context: 5 } }, "data", "Must be an object."],
  ])("that %s is told by the names of its own fields", async (_, change, field, message) => {
    const { status, errors } = await sent({ ...CONTACT, ...change });
    expect([status, errors?.at(0)]).toEqual([400, { index: 0, field, message }]);
  });

  it("has the limit of an event", async () => {
    const { status, errors } = await sent({ ...CONTACT, data: { a: "x".repeat(MAX_EVENT_BYTES) } });
    expect([status, errors?.map(({ field }) => field)]).toEqual([400, ["event"]]);
  });
});

describe("JSON that is none of the two", () => {
  it("is a CloudEvent where it says so, and is told which type it needs", async () => {
    const event = { specversion: "1.0", id: "1", source: "/crm", ...CONTACT };
    const message = "Is for CloudEvents; send the header Content-Type: application/cloudevents+json.";
    expect(await sent(event)).toMatchObject({ status: 400, errors: [{ index: 0, field: "specversion", message }] });
    expect(await stored()).toEqual([]);
  });

  it("is an event of Waldur without a type, unless it has data", async () => {
    const { status, errors } = await sent({ type: "user_activated", message: "m" });
    expect([status, errors]).toEqual([400, [{ index: 0, field: "event_type", message: "Is required." }]]);
  });
});
