import { describe, expect, it } from "vitest";
import { MAX_BODY_BYTES } from "../../src/ingest/body.ts";
import { MAX_CONTEXT_DEPTH, MAX_EVENT_BYTES, MAX_EVENT_TYPE_LENGTH, MAX_EVENTS } from "../../src/ingest/event.ts";
import { MAX_JSON_DEPTH } from "../../src/values/json.ts";
import { hook, push } from "../support/ingest.ts";
import { aQueue } from "../support/queue.ts";

interface Refusal {
  detail: string;
  errors?: { index: number; field: string; message: string }[];
}

async function refusal(body: unknown, headers: Record<string, string> = {}) {
  const { queue, bodies } = aQueue();
  const response = await push(body, { queue, headers });
  expect(bodies).toEqual([]);
  return { status: response.status, ...(await response.json<Refusal>()) };
}

const nested = (levels: number): unknown => (levels === 0 ? 1 : { a: nested(levels - 1) });

describe("an event that is not valid", () => {
  type Case = [what: string, event: unknown, field: string, message: string];
  const cases: Case[] = [
    ["is not an object", 5, "event", "Must be an object."],
    ["has no type", hook({ event_type: undefined }), "event_type", "Is required."],
    ["has an empty type", hook({ event_type: "" }), "event_type", "Must not be empty."],
    ["has a type that is not text", hook({ event_type: 5 }), "event_type", "Must be text."],
    [
      "has too long a type",
      hook({ event_type: "x".repeat(MAX_EVENT_TYPE_LENGTH + 1) }),
      "event_type",
      "Must be at most 100 characters.",
    ],
    ["has no message", hook({ message: undefined }), "message", "Is required."],
    ["has an empty message", hook({ message: "" }), "message", "Must not be empty."],
    ["has a NUL in its message", hook({ message: "a\0b" }), "message", "Must not contain NUL characters."],
    [
      "has a time without an offset",
      hook({ created: "2026-03-01T12:00:00" }),
      "created",
      "Must be a time in ISO 8601 with an offset or Z.",
    ],
    [
      "has a day that does not exist",
      hook({ created: "2026-02-30T12:00:00Z" }),
      "created",
      "Must be a time in ISO 8601 with an offset or Z.",
    ],
    ...[
      "9999-01-01T00:00:00Z",
      "2255-06-05T23:47:34.740992Z",
      "1684-12-31T23:59:59.999999Z",
      "0001-01-01T00:00:00Z",
    ].map(
      (created): Case => [
        `has the time ${created}`,
        hook({ created }),
        "created",
        "Must lie in the time from 1685-01-01T00:00:00Z to 2255-06-05T23:47:34.740991Z.",
      ],
    ),
    ["has a uuid that is none", hook({ uuid: "1234" }), "uuid", "Must be a UUID."],
    ["has a list for a context", hook({ context: [] }), "context", "Must be an object."],
    ["has null for a context", hook({ context: null }), "context", "Must be an object."],
    [
      "has a NUL deep in its context",
      hook({ context: { a: [{ b: "\0" }] } }),
      "context",
      "Must not contain NUL characters.",
    ],
    ["has a NUL in a key", hook({ context: { "a\0": 1 } }), "context", "Must not contain NUL characters."],
    [
      "has too deep a context",
      hook({ context: nested(MAX_CONTEXT_DEPTH + 1) }),
      "context",
      "Must not be nested deeper than 100 levels.",
    ],
  ];

  it.each(cases)("because it %s is told by index, field and message", async (_, event, field, message) => {
    const { status, errors } = await refusal([hook(), event]);
    expect(status).toBe(400);
    expect(errors).toEqual([{ index: 1, field, message }]);
  });

  it("because of half a surrogate pair is told so", async () => {
    const { errors } = await refusal(JSON.stringify(hook({ message: "MARK" })).replace("MARK", "\\ud800"));
    expect(errors?.[0]).toMatchObject({ index: 0, field: "message" });
  });

  it("because of its size is told how large it is", async () => {
    const { status, errors } = await refusal([hook({ message: "x".repeat(MAX_EVENT_BYTES) })]);
    expect(status).toBe(400);
    expect(errors).toMatchObject([{ index: 0, field: "event" }]);
    expect(errors?.[0]?.message).toMatch(/^Must be at most 65536 bytes as JSON; this one has \d+\.$/);
  });

  it("because it has one byte too many is told so, in bytes and not in characters", async () => {
    const event = (letters: number) => hook({ message: `õ${"x".repeat(letters)}` });
    const most = MAX_EVENT_BYTES - new TextEncoder().encode(JSON.stringify(event(0))).byteLength;
    expect((await push(event(most), { queue: aQueue().queue })).status).toBe(202);
    const { errors } = await refusal(event(most + 1));
    expect(errors?.[0]?.message).toBe(`Must be at most 65536 bytes as JSON; this one has ${MAX_EVENT_BYTES + 1}.`);
  });

  it.each(["uuid", "created", "event_type", "message"])(
    "because of its size is told nothing of its %s, which is not looked at",
    async (field) => {
      const { status, errors } = await refusal(hook({ [field]: "{".repeat(MAX_EVENT_BYTES) }));
      expect(status).toBe(400);
      expect(errors?.map((error) => error.field)).toEqual(["event"]);
    },
  );

  it("is listed with every other, and nothing of the batch is accepted", async () => {
    const { status, detail, errors } = await refusal([
      hook(),
      hook({ message: "", created: "now" }),
      hook(),
      hook({ uuid: "" }),
    ]);
    expect(status).toBe(400);
    expect(detail).toBe("2 of 4 events are not valid; none was accepted.");
    expect(errors?.map(({ index, field }) => [index, field])).toEqual([
      [1, "created"],
      [1, "message"],
      [3, "uuid"],
    ]);
  });
});

describe("a body", () => {
  it("of just the most bytes and the largest event is accepted, worst escapes included", async () => {
    const { queue, bodies } = aQueue();
    const overhead = JSON.stringify(hook({ context: { a: "" } })).length + 10;
    const quotes = '"'.repeat((MAX_EVENT_BYTES - overhead) / 2);
    const response = await push(hook({ context: { a: quotes } }), { queue });
    expect(response.status).toBe(202);
    expect(bodies[0]?.length).toBeLessThan(128_000);
  });

  it("larger than the limit is 413 with the limit, whether its length is announced or not", async () => {
    const { queue } = aQueue();
    const response = await push("x".repeat(MAX_BODY_BYTES + 1), { queue });
    expect(response.status).toBe(413);
    expect(await response.json()).toEqual({ detail: "The body is larger than 1048576 bytes.", limit: MAX_BODY_BYTES });
    const stream = new Blob(["x".repeat(MAX_BODY_BYTES + 1)]).stream();
    expect((await push("", { queue, body: stream })).status).toBe(413);
  });

  it("with more events than the limit is refused", async () => {
    const { status, detail } = await refusal(Array.from({ length: MAX_EVENTS + 1 }, () => ({})));
    expect([status, detail]).toEqual([400, "At most 1000 events fit in one request; this one has 1001."]);
  });

  it("with more CloudEvents than the limit is refused before any is read", async () => {
    const { status, detail, errors } = await refusal("[".concat("1,".repeat(5_000), "1]"), {
      "Content-Type": "application/cloudevents-batch+json",
    });
    expect([status, detail]).toEqual([400, "At most 1000 events fit in one request; this one has 5001."]);
    expect(errors).toBeUndefined();
  });

  it.each([
    [
      "of one event",
      (deep: string) => `{"event_type":"a","message":"b","other":${deep}}`,
      "application/json",
      "The body",
    ],
    [
      "of a CloudEvent",
      (deep: string) => `{"specversion":"1.0","data":${deep}}`,
      "application/cloudevents+json",
      "The body",
    ],
    ["of lines", (deep: string) => `\n{"other":${deep}}`, "application/x-ndjson", "Line 2"],
  ])("%s with more levels than the limit is refused, exact numbers or not", async (_, bodyOf, type, what) => {
    for (const levels of [MAX_JSON_DEPTH, 100_000]) {
      for (const number of ["1", "1.50"]) {
        const { status, detail } = await refusal(bodyOf(`${"[".repeat(levels)}${number}${"]".repeat(levels)}`), {
          "Content-Type": type,
        });
        expect([status, detail]).toEqual([400, `${what} is nested deeper than ${MAX_JSON_DEPTH} levels.`]);
      }
    }
  });

  it("of just the most levels is accepted where nobody reads them", async () => {
    const { queue, bodies } = aQueue();
    const levels = MAX_JSON_DEPTH - 1;
    const deep = `${"[".repeat(levels)}1.50${"]".repeat(levels)}`;
    const response = await push(`{"event_type":"a","message":"b","other":${deep}}`, { queue });
    expect(response.status).toBe(202);
    expect(bodies).toHaveLength(1);
  });

  it("without an event is refused", async () => {
    expect(await refusal([])).toEqual({ status: 400, detail: "There is no event in the body." });
    expect((await refusal("\n", { "Content-Type": "application/x-ndjson" })).status).toBe(400);
  });

  it("that is not JSON is refused with the place", async () => {
    const { status, detail } = await refusal('{"message": oops}');
    expect([status, detail]).toEqual([400, "The body is not valid JSON: error at character 12."]);
    expect((await refusal("")).status).toBe(400);
  });

  it("of NDJSON with a bad line names the line", async () => {
    const { detail } = await refusal(`${JSON.stringify(hook())}\n{"a"`, { "Content-Type": "application/x-ndjson" });
    expect(detail).toBe("Line 2 is not valid JSON: error at character 4.");
  });

  it("that is not UTF-8 is refused", async () => {
    const { queue } = aQueue();
    const response = await push("", { queue, body: new Uint8Array([0x22, 0xff, 0x22]) });
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ detail: "The body is not valid UTF-8." });
  });

  it("of another content type is 415 naming the known ones", async () => {
    const { status, detail } = await refusal("a=b", { "Content-Type": "text/csv" });
    expect([status, detail]).toEqual([
      415,
      "Content-Type must be one of: application/json, application/x-ndjson, application/x-www-form-urlencoded, application/cloudevents+json, application/cloudevents-batch+json; or any with the header ce-specversion.",
    ]);
  });
});
