import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { Env } from "../../src/env.ts";
import { deliver } from "../support/batch.ts";
import { stopClock } from "../support/clock.ts";
import { hook, push, rows } from "../support/ingest.ts";
import { aQueue } from "../support/queue.ts";
import { request, runMinute } from "../support/world.ts";

const UUID = "0b5c1a4e000040008000000000000001";

async function sent(event: unknown) {
  const { queue, bodies } = aQueue();
  const { uuids, receipts } = await (await push(event, { queue })).json<{ uuids: string[]; receipts: string[] }>();
  return { uuid: uuids[0] ?? "", receipt: receipts[0] ?? "", bodies };
}

async function ask(id: string, producer = "waldur", secret = "waldur-secret", bindings: Partial<Env> = {}) {
  const headers = { Authorization: `Bearer ${secret}` };
  const response = await request(`/ingest/${producer}/receipts/${id}`, { headers }, bindings);
  return { code: response.status, ...(await response.json<Record<string, unknown>>()) };
}

describe("a receipt", () => {
  it("says accepted before the event is stored, then where it is stored", async () => {
    stopClock("2026-05-01T12:00:00.123Z");
    const { uuid, receipt, bodies } = await sent(hook());
    const accepted = expect.stringMatching(/^2026-05-01T12:00:00\.123\d{3}Z$/);
    expect(await ask(receipt)).toEqual({ code: 200, status: "accepted", uuid, accepted });
    await deliver(bodies);
    expect(await ask(receipt)).toEqual({ code: 200, status: "stored", uuid, id: 1 });
    expect(await ask(uuid)).toEqual({ code: 200, status: "stored", uuid, id: 1 });
  });

  it("of an event that got Waldur's uuid tells that uuid, in either order", async () => {
    const [web, api] = [await sent(hook()), await sent(hook({ uuid: UUID }))];
    await deliver(web.bodies);
    await deliver(api.bodies);
    expect(await ask(web.receipt)).toEqual({ code: 200, status: "stored", uuid: UUID, id: 1 });
    expect(await ask(api.receipt)).toEqual({ code: 200, status: "stored", uuid: UUID, id: 1 });
  });

  it("of an event that died tells why and when", async () => {
    stopClock("2026-05-01T12:00:00.123Z");
    const [first, second] = [await sent(hook({ uuid: UUID })), await sent(hook({ uuid: UUID, message: "Other" }))];
    await deliver([...first.bodies, ...second.bodies]);
    expect(await ask(first.receipt)).toMatchObject({ status: "stored", uuid: UUID });
    expect(await ask(second.receipt)).toMatchObject({
      status: "dead",
      uuid: UUID,
      reason: "conflict",
      attempts: 1,
      last_seen: "2026-05-01T12:00:00.123000Z",
    });
    expect(await rows("dead_letters")).toHaveLength(1);
  });

  it("of an event that died and was discarded tells so, and when, for good", async () => {
    const [first, second] = [await sent(hook({ uuid: UUID })), await sent(hook({ uuid: UUID, message: "Other" }))];
    await deliver([...first.bodies, ...second.bodies]);
    await env.DB.exec("UPDATE dead_letters SET state = 'discarded', discarded = 1777636800000000, body = ''");
    const discarded = {
      ...{ code: 200, status: "discarded", uuid: UUID, reason: "conflict", detail: expect.stringContaining(UUID) },
      discarded: "2026-05-01T12:00:00Z",
    };
    expect(await ask(second.receipt)).toEqual(discarded);
    await runMinute();
    expect(await ask(second.receipt)).toEqual(discarded);
    expect(await ask(first.receipt)).toMatchObject({ status: "stored" });
  });

  it("that was changed, or is another producer's, or a uuid nobody knows, is unknown", async () => {
    const { uuid, receipt } = await sent(hook());
    expect(await ask(uuid)).toMatchObject({ code: 404 });
    expect(await ask(receipt.replace(/.$/, (last) => (last === "0" ? "1" : "0")))).toMatchObject({ code: 404 });
    expect(await ask(receipt, "rotating", "new-secret")).toMatchObject({ code: 404 });
    expect(await ask("nonsense")).toMatchObject({ code: 404 });
  });

  it("of another producer with the same secret is unknown", async () => {
    const { receipt } = await sent(hook());
    const INGEST_SECRETS = JSON.stringify({ waldur: ["waldur-secret"], twin: ["waldur-secret"] });
    expect(await ask(receipt, "twin", "waldur-secret", { INGEST_SECRETS })).toMatchObject({ code: 404 });
    expect(await ask(receipt, "waldur", "waldur-secret", { INGEST_SECRETS })).toMatchObject({ status: "accepted" });
  });

  it("is shown to its producer only, and read by GET", async () => {
    const { uuid, bodies } = await sent(hook());
    await deliver(bodies);
    expect(await ask(uuid, "waldur", "wrong")).toMatchObject({ code: 401 });
    expect(await ask(uuid, "rotating", "new-secret")).toMatchObject({ code: 404 });
    const headers = { Authorization: "Bearer waldur-secret" };
    expect((await request(`/ingest/waldur/receipts/${uuid}`, { method: "DELETE", headers })).status).toBe(405);
  });
});
