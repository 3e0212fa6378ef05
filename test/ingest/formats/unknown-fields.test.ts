import { describe, expect, it } from "vitest";
import { deliver } from "../../support/batch.ts";
import { push, rows } from "../../support/ingest.ts";
import { aQueue } from "../../support/queue.ts";

const EVENT = { event_type: "t", message: "m" };
const CLOUD_EVENT = { specversion: "1.0", id: "1", source: "/crm", type: "t" };

async function warned(body: unknown, headers: Record<string, string> = {}) {
  const { queue, bodies } = aQueue();
  const response = await push(body, { queue, headers });
  expect(response.status).toBe(202);
  await deliver(bodies);
  return (await response.json<{ warnings?: string[] }>()).warnings ?? [];
}

const notKept = (names: string) => [`These fields are not part of an event and were not kept: ${names}.`];

describe("a field that is not part of an event is named in a warning", () => {
  it.each<[string, unknown, Record<string, string>, string]>([
    ["in JSON", { ...EVENT, severity: "secret-value", id: 5 }, {}, '"severity", "id"'],
    [
      "in a list, each once",
      [
        { ...EVENT, a: 1 },
        { ...EVENT, b: 1, a: 2 },
      ],
      {},
      '"a", "b"',
    ],
    [
      "in NDJSON",
      `${JSON.stringify(EVENT)}\n${JSON.stringify({ ...EVENT, a: 1 })}`,
      { "Content-Type": "application/x-ndjson" },
      '"a"',
    ],
    [
      "in a form",
      "event_type=t&message=m&severity=secret-value&severity=x",
      { "Content-Type": "application/x-www-form-urlencoded" },
      '"severity"',
    ],
    ["beside Standard Webhooks", { type: "t", timestamp: "2026-03-01T12:00:00Z", data: {}, id: 1 }, {}, '"id"'],
    [
      "of a CloudEvent",
      { ...CLOUD_EVENT, dataschema: "https://example.org", traceparent: "secret-value", other: null },
      { "Content-Type": "application/cloudevents+json" },
      '"dataschema", "traceparent"',
    ],
    [
      "of a CloudEvent in headers",
      "{}",
      {
        ...Object.fromEntries(Object.entries(CLOUD_EVENT).map(([name, value]) => [`ce-${name}`, value])),
        "ce-traceparent": "secret-value",
      },
      '"traceparent"',
    ],
  ])("%s", async (_, body, headers, names) => {
    const warnings = await warned(body, headers);
    expect(warnings).toEqual(notKept(names));
    expect(await rows("events")).not.toEqual([]);
  });

  it("up to ten of them, the others counted, each at most 40 characters, whatever characters they have", async () => {
    const long = "😀".repeat(50);
    const names = [`a"\n`, long, ...Array.from({ length: 20 }, (_, index) => `field${index}`)];
    const [warning = ""] = await warned({ ...EVENT, ...Object.fromEntries(names.map((name) => [name, 1])) });
    const shown = [`"a\\"\\n"`, `"${"😀".repeat(40)}…"`, ...names.slice(2, 10).map((name) => `"${name}"`)];
    expect(warning).toBe(`${notKept(shown.join(", "))[0]?.slice(0, -1)}, and 12 more.`);
  });

  it("but not the keys of its context, nor a field that is null in a CloudEvent", async () => {
    expect(await warned({ ...EVENT, context: { severity: 1 } })).toEqual([]);
    const data = { ...CLOUD_EVENT, data: { severity: 1 }, traceparent: null };
    expect(await warned(data, { "Content-Type": "application/cloudevents+json" })).toEqual([]);
  });
});
