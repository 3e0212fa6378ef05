import { describe, expect, it } from "vitest";
import { MAX_BODY_BYTES } from "../../../src/ingest/body.ts";
import { MAX_EVENTS } from "../../../src/ingest/event.ts";
import { deliver } from "../../support/batch.ts";
import { gzipped, hook, push } from "../../support/ingest.ts";
import { aPerson } from "../../support/people.ts";
import { aQueue } from "../../support/queue.ts";
import { get } from "../../support/world.ts";

interface Answer {
  detail?: string;
  accepted?: number;
  warnings?: string[];
  errors?: { index: number; field: string; message: string }[];
}

/** Sends a body, delivers what it comes to, and reads it back. */
async function sent(body: BodyInit, headers: Record<string, string>) {
  const { queue, bodies } = aQueue();
  const response = await push("", { queue, body, headers });
  await deliver(bodies);
  const events = await (await get("/api/events/?o=created", (await aPerson({ staff: true })).token)).json<
    Record<string, unknown>[]
  >();
  return { status: response.status, ...(await response.json<Answer>()), events };
}

const form = (text: string) => sent(text, { "Content-Type": "application/x-www-form-urlencoded" });

describe("a form post of a web hook", () => {
  it("keeps the keys of the context, says that their values are lost", async () => {
    const answer = await form(
      "created=2026-03-01T12%3A00%3A00.000001%2B00%3A00&message=Project+%C3%95un&context=customer_uuid&context=project_name&event_type=project_created",
    );
    expect(answer.status).toBe(202);
    expect(answer.warnings).toEqual([expect.stringContaining("2 context keys were stored with null")]);
    expect(answer.events).toMatchObject([
      {
        created: "2026-03-01T12:00:00.000001Z",
        message: "Project Õun",
        context: { customer_uuid: null, project_name: null },
      },
    ]);
  });

  it("without a context has no warning", async () => {
    const answer = await form("message=m&event_type=t");
    expect([answer.status, answer.warnings]).toEqual([202, undefined]);
    expect(answer.events).toMatchObject([{ context: {} }]);
  });

  it("is checked like any other", async () => {
    const { status, errors } = await form("message=&context=a");
    expect(status).toBe(400);
    expect(errors?.map(({ field }) => field).toSorted()).toEqual(["event_type", "message"]);
  });
});

describe("a gzip body", () => {
  const headers = { "Content-Encoding": "gzip" };

  it("is inflated, whatever the format", async () => {
    const lines = `${JSON.stringify(hook())}\n${JSON.stringify(hook({ message: "b" }))}`;
    const ndjson = await sent(await gzipped(lines), { ...headers, "Content-Type": "application/x-ndjson" });
    expect([ndjson.status, ndjson.accepted]).toEqual([202, 2]);
    expect((await sent(await gzipped(JSON.stringify(hook({ message: "c" }))), headers)).events).toHaveLength(3);
  });

  it("that inflates to more than the limit is 413 with the limit", async () => {
    const bomb = await gzipped("x".repeat(50 * MAX_BODY_BYTES));
    expect(bomb.byteLength).toBeLessThan(MAX_BODY_BYTES);
    for (const type of ["application/json", "application/x-ndjson"]) {
      const answer = await sent(bomb, { ...headers, "Content-Type": type });
      expect(answer).toMatchObject({
        status: 413,
        detail: `The inflated body is larger than ${MAX_BODY_BYTES} bytes.`,
      });
    }
  });

  it("that is no gzip, or half of one, is refused", async () => {
    expect(await sent("plain", headers)).toMatchObject({ status: 400, detail: "The body is not valid gzip." });
    const half = (await gzipped(JSON.stringify(hook()))).slice(0, 60);
    expect(await sent(half, headers)).toMatchObject({ status: 400, detail: "The body is not valid gzip." });
  });

  it("in an encoding nobody reads is 415 naming the known ones", async () => {
    const answer = await sent("x", { "Content-Encoding": "br" });
    expect(answer).toMatchObject({ status: 415, detail: "Content-Encoding must be one of: identity, gzip, x-gzip." });
  });
});

describe("NDJSON", () => {
  const headers = { "Content-Type": "application/x-ndjson" };

  it("is read in pieces, cut anywhere, also inside of a character", async () => {
    const bytes = new TextEncoder().encode(`${JSON.stringify(hook({ message: "Õ€😀" }))}\r\n${JSON.stringify(hook())}`);
    const stream = new ReadableStream({
      start(controller) {
        for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
        controller.close();
      },
    });
    const { status, events } = await sent(stream, headers);
    expect([status, events.map(({ message }) => message).toSorted()]).toEqual([
      202,
      [hook().message, "Õ€😀"].toSorted(),
    ]);
  });

  it("with an array in a line, as an export has it, is told what to send instead", async () => {
    const { status, errors } = await sent(`${JSON.stringify([hook()])}\n`, headers);
    expect([status, errors]).toEqual([
      400,
      [{ index: 0, field: "event", message: "Must be an object, not an array. Send an array as application/json." }],
    ]);
  });

  it("of too many lines is not read to its end", async () => {
    const lines = `${"{}\n".repeat(MAX_EVENTS + 1)}not JSON`;
    expect(await sent(lines, headers)).toMatchObject({ status: 400, detail: expect.stringContaining("At most 1000") });
  });
});

describe("a CloudEvent", () => {
  const event = { specversion: "1.0", id: "1", source: "/shop", type: "order_made", time: "2026-03-01T12:00:00Z" };
  const structured = (value: unknown) =>
    sent(JSON.stringify(value), { "Content-Type": "application/cloudevents+json" });

  it.each<[string, object, string, unknown]>([
    ["message and context", { data: { message: "m", context: { a: 1 } } }, "m", { a: 1 }],
    ["a message only", { data: { message: "m" } }, "m", {}],
    ["a message among others", { data: { message: "m", level: 5 } }, "m", { level: 5 }],
    ["a context without a message", { data: { context: { a: 1 } } }, "order_made", { context: { a: 1 } }],
    ["an object", { data: { a: 1 }, subject: "Order 5" }, "Order 5", { a: 1 }],
    ["text", { data: "text" }, "order_made", { data: "text" }],
    ["nothing", {}, "order_made", {}],
    ["an object with a list", { data: { a: [1, "x"] } }, "order_made", { a: [1, "x"] }],
  ])("whose data are %s becomes an event", async (_, more, message, context) => {
    const { status, events } = await structured({ ...event, ...more });
    expect(status).toBe(202);
    expect(events).toMatchObject([{ event_type: "order_made", created: "2026-03-01T12:00:00Z", message, context }]);
  });

  it("keeps every number of its data exactly as it was sent", async () => {
    const data = '{"big":12345678901234567890,"price":2.50,"tiny":-0,"list":[1e999]}';
    await sent(JSON.stringify({ ...event, data: 0 }).replace('"data":0', `"data":${data}`), {
      "Content-Type": "application/cloudevents+json",
    });
    const { token } = await aPerson({ staff: true });
    expect(await (await get("/api/events/?field=context", token)).text()).toBe(`[{"context":${data}}]`);
  });

  it("is the same event in every mode, for good", async () => {
    const data = { message: "m", context: { a: 1 } };
    await structured({ ...event, data });
    const headers = {
      "ce-specversion": "1.0",
      "ce-id": "1",
      "ce-source": "/shop",
      "ce-type": "order_made",
      "ce-time": event.time,
    };
    await sent(JSON.stringify(data), { ...headers, "Content-Type": "application/json; charset=utf-8" });
    const { events } = await sent(
      JSON.stringify([
        { ...event, data },
        { ...event, source: "/other", data },
      ]),
      {
        "Content-Type": "application/cloudevents-batch+json",
      },
    );
    expect(events).toHaveLength(2);
    expect((await structured({ ...event, data: { message: "other" } })).status).toBe(409);
  });

  it("that is wrong is told by the names of its own fields", async () => {
    const cases: [object, string][] = [
      [{ specversion: "0.3" }, "specversion"],
      [{ id: "" }, "id"],
      [{ source: 5 }, "source"],
      [{ type: undefined }, "type"],
      [{ time: "now" }, "time"],
      [{ data: { message: 5 } }, "data.message"],
      [{ data: { message: "m", context: [] } }, "data"],
      [{ data: 1, data_base64: "AA==" }, "data_base64"],
    ];
    for (const [change, field] of cases) {
      const { status, errors } = await structured({ ...event, ...change });
      expect([status, errors?.map((error) => [error.index, error.field])]).toEqual([400, [[0, field]]]);
    }
    expect((await structured(5)).errors).toEqual([{ index: 0, field: "event", message: "Must be an object." }]);
  });

  it("with a header that is no UTF-8 is refused", async () => {
    const answer = await sent("{}", { "ce-specversion": "1.0", "ce-id": "%C0%A0", "ce-source": "/", "ce-type": "t" });
    expect(answer).toMatchObject({ status: 400, detail: "The header ce-id is not valid percent-encoded UTF-8." });
  });
});
