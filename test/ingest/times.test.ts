import { beforeEach, describe, expect, it } from "vitest";
import { deliver } from "../support/batch.ts";
import { stopClock } from "../support/clock.ts";
import { hook, push } from "../support/ingest.ts";
import { aPerson } from "../support/people.ts";
import { aQueue } from "../support/queue.ts";
import { get, request } from "../support/world.ts";

beforeEach(() => stopClock("2026-11-25T12:00:00Z"));

/** Sends a body and delivers what it comes to; the answer, and the times that are stored. */
async function sent(body: unknown, headers: Record<string, string> = {}) {
  const { queue, bodies } = aQueue();
  const response = await push(body, { queue, headers });
  await deliver(bodies);
  const { token } = await aPerson({ staff: true });
  const stored = await (await get("/api/events/?o=created&page_size=100", token)).json<{ created: string }[]>();
  const { warnings } = await response.json<{ warnings?: string[] }>();
  return { status: response.status, warnings, times: stored.map(({ created }) => created) };
}

const at = (created: string) => hook({ created, message: `At ${created}` });

describe("an event dated ahead of its receipt", () => {
  it("by a day, as a clock may be wrong, is stored without a warning", async () => {
    const answer = await sent([at("2026-11-26T12:00:00Z"), at("1685-01-01T00:00:00Z")]);

    expect(answer).toEqual({
      status: 202,
      warnings: undefined,
      times: ["1685-01-01T00:00:00Z", "2026-11-26T12:00:00Z"],
    });
  });

  it("by more than a day is stored as it is, and a warning names its index and field", async () => {
    const answer = await sent([
      at("2026-11-25T00:00:00Z"),
      at("2026-11-26T12:00:00.001Z"),
      at("2255-06-05T23:47:34.740991Z"),
    ]);

    expect(answer).toEqual({
      status: 202,
      warnings: ["These times are more than a day ahead of the receipt: event 1 (created), event 2 (created)."],
      times: ["2026-11-25T00:00:00Z", "2026-11-26T12:00:00.001000Z", "2255-06-05T23:47:34.740991Z"],
    });
  });

  it.each([
    [
      "a CloudEvent",
      { specversion: "1.0", id: "1", source: "/a", type: "t", time: "2099-01-01T00:00:00Z", data: {} },
      { "Content-Type": "application/cloudevents+json" },
      "time",
    ],
    ["Standard Webhooks", { type: "t", timestamp: "2099-01-01T00:00:00Z", data: {} }, {}, "timestamp"],
  ])("is named by the field of %s", async (_format, body, headers, field) => {
    const { warnings } = await sent(body, headers);

    expect(warnings).toEqual([`These times are more than a day ahead of the receipt: event 0 (${field}).`]);
  });

  it("among many is one of the first ten that are named", async () => {
    const { warnings } = await sent(Array.from({ length: 14 }, (_, index) => at(`2099-01-01T00:00:${index + 10}Z`)));

    const named = Array.from({ length: 10 }, (_, index) => `event ${index} (created)`).join(", ");
    expect(warnings).toEqual([`These times are more than a day ahead of the receipt: ${named}, and 4 more.`]);
  });
});

it("/openapi.json says which times an event may have", async () => {
  const document = await (await request("/openapi.json")).json<{
    components: { schemas: Record<string, { properties: Record<string, { description: string }> }> };
  }>();

  expect(document.components.schemas.ProducedEvent?.properties.created?.description).toContain(
    "from 1685-01-01T00:00:00Z to 2255-06-05T23:47:34.740991Z",
  );
});
