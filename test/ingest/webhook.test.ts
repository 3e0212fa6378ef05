import { describe, expect, it } from "vitest";
import { deliver } from "../support/batch.ts";
import { stopClock } from "../support/clock.ts";
import { hook, push } from "../support/ingest.ts";
import { aPerson } from "../support/people.ts";
import { aQueue } from "../support/queue.ts";
import { get, request } from "../support/world.ts";

describe("a web hook", () => {
  it("posted as Waldur posts it is readable after the queue has delivered it", async () => {
    const { token } = await aPerson({ staff: true });
    const { queue, bodies } = aQueue();
    const waldurs =
      '{"created": "2026-03-01T12:00:00.000001+00:00", "message": "Project \\u00d5un", "context": {"customer_uuid": "cccccccccccccccccccccccccccccccc"}, "event_type": "project_creation_succeeded"}';
    const response = await push(waldurs, { queue });
    expect(response.status).toBe(202);
    const { accepted, uuids } = await response.json<{ accepted: number; uuids: string[] }>();
    expect([accepted, uuids.length]).toEqual([1, 1]);
    expect(await (await get("/api/events/", token)).json()).toEqual([]);
    await deliver(bodies);
    expect(await (await get("/api/events/", token)).json()).toEqual([
      {
        uuid: uuids[0],
        created: "2026-03-01T12:00:00.000001Z",
        event_type: "project_creation_succeeded",
        message: "Project Õun",
        context: { customer_uuid: "c".repeat(32) },
      },
    ]);
  });

  it("may carry its secret in the URL when it cannot set headers", async () => {
    const { queue, bodies } = aQueue();
    const init = { method: "POST", body: JSON.stringify(hook()), headers: { "Content-Type": "application/json" } };
    const response = await request("/ingest/waldur/waldur-secret", init, { INGEST_QUEUE: queue });
    expect(response.status).toBe(202);
    expect(bodies).toHaveLength(1);
    expect(bodies.join()).not.toContain("waldur-secret");
  });

  it("may be one event, an array, or NDJSON", async () => {
    const { queue, bodies } = aQueue();
    const lines = `${JSON.stringify(hook({ message: "three" }))}\n\n${JSON.stringify(hook({ message: "four" }))}\n`;
    await push(hook({ message: "one" }), { queue });
    await push([hook({ message: "two" })], { queue });
    await push(lines, { queue, headers: { "Content-Type": "application/x-ndjson; charset=utf-8" } });
    const messages = bodies.join("\n").match(/(?<=succeeded",")\w+/g);
    expect(messages).toEqual(["one", "two", "three", "four"]);
  });

  it("without a time is given the time of receipt", async () => {
    const { token } = await aPerson({ staff: true });
    const { queue, bodies } = aQueue();
    stopClock("2026-05-01T12:00:00.123Z");
    await push(hook({ created: undefined }), { queue });
    await deliver(bodies);
    const [event] = await (await get("/api/events/", token)).json<{ created: string }[]>();
    expect(event?.created).toMatch(/^2026-05-01T12:00:00\.123\d{3}Z$/);
  });

  it("with a type the catalogue does not know is kept and found", async () => {
    const { token } = await aPerson({ staff: true });
    const { queue, bodies } = aQueue();
    await push([hook({ event_type: "brand_new" }), hook({ event_type: "newer_still" })], { queue });
    await deliver(bodies);
    const found = await (await get("/api/events/?event_type=newer_still", token)).json<{ event_type: string }[]>();
    expect(found.map((event) => event.event_type)).toEqual(["newer_still"]);
    const all = await (await get("/api/events/?o=created", token)).json<{ event_type: string }[]>();
    expect(all.map((event) => event.event_type)).toEqual(["brand_new", "newer_still"]);
  });

  it("keeps every number of its context exactly as it was sent", async () => {
    const { token } = await aPerson({ staff: true });
    const { queue, bodies } = aQueue();
    const context = '{"big":12345678901234567890,"price":2.50,"tiny":-0,"huge":1e999,"list":[1,{"deep":3.0}]}';
    await push(JSON.stringify(hook({ context: 0 })).replace('"context":0', `"context":${context}`), { queue });
    await deliver(bodies);
    expect(await (await get("/api/events/?field=context", token)).text()).toBe(`[{"context":${context}}]`);
  });
});

describe("the secret of a producer", () => {
  const body = JSON.stringify(hook());
  const attempts: [string, string, Record<string, string>][] = [
    ["is missing", "/ingest/waldur", {}],
    ["is wrong", "/ingest/waldur", { Authorization: "Bearer wrong" }],
    ["is another producer's", "/ingest/rotating", { Authorization: "Bearer waldur-secret" }],
    ["is wrong in the URL", "/ingest/waldur/wrong", {}],
    ["is given to an unknown producer", "/ingest/nobody", { Authorization: "Bearer waldur-secret" }],
    ["is given to a producer named like a property", "/ingest/__proto__", { Authorization: "Bearer waldur-secret" }],
    ["is not a bearer secret", "/ingest/waldur", { Authorization: "Basic waldur-secret" }],
  ];

  it.each(attempts)("that %s gets the same 401", async (_, path, headers) => {
    const { queue, bodies } = aQueue();
    const response = await request(path, { method: "POST", body, headers }, { INGEST_QUEUE: queue });
    expect(response.status).toBe(401);
    expect(response.headers.get("WWW-Authenticate")).toBe("Bearer");
    expect(await response.json()).toEqual({ detail: "Unknown producer or wrong secret." });
    expect(bodies).toEqual([]);
  });

  it("may be the old or the new one during a rotation", async () => {
    const { queue } = aQueue();
    for (const secret of ["new-secret", "old-secret"]) {
      const headers = { Authorization: `Bearer ${secret}`, "Content-Type": "application/json" };
      const response = await request("/ingest/rotating", { method: "POST", body, headers }, { INGEST_QUEUE: queue });
      expect(response.status).toBe(202);
    }
  });

  it("is asked for before the method is looked at", async () => {
    expect((await request("/ingest/waldur")).status).toBe(401);
    const response = await push("", { method: "PUT" });
    expect([response.status, response.headers.get("Allow")]).toEqual([405, "POST"]);
  });
});
