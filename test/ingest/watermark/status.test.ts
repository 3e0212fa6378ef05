import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { Reader } from "../../../src/db/reader.ts";
import { feedStatus } from "../../../src/feed/status.ts";
import { aRefusingBucket } from "../../cloud/r2.ts";
import { aQueue, aRefusingQueue, asQueue } from "../../support/queue.ts";
import { NOW, writeMark } from "./marks.ts";

const status = (changed: object = {}, tells = true) =>
  feedStatus({ ...env, INGEST_QUEUE: aQueue().queue, ...changed }, new Reader(env.DB), tells, NOW);

describe("the status of the feed", () => {
  it("has the watermark, or null while it is unknown", async () => {
    await writeMark();
    expect(await status()).toEqual({ complete_through: null, standing_still: null });
    await env.DB.exec("UPDATE commit_watermark SET complete_through = 1777636800123000");
    expect((await status()).complete_through).toBe("2026-05-01T12:00:00.123000Z");
  });

  it("says what holds it, since when, and to staff also whose events", async () => {
    await writeMark({ outside: { reason: "spilled", since: NOW - 1_000, until: NOW, producer: "crm" } });
    const held = { reason: "spilled", since: "2026-05-01T11:59:59Z" };
    expect((await status()).standing_still).toEqual({ ...held, producer: "crm" });
    expect((await status({}, false)).standing_still).toEqual(held);
    await writeMark({ unseen: { reason: "retried", since: NOW, until: NOW + 1 } });
    expect((await status()).standing_still).toEqual({ reason: "retried", since: "2026-05-01T12:00:00Z" });
  });

  it("says that nobody knows: without a mark, and when R2 or the queue does not tell", async () => {
    const unknown = { reason: "unknown", since: null };
    expect((await status()).standing_still).toEqual(unknown);
    expect((await status({ SPILL: aRefusingBucket() })).standing_still).toEqual(unknown);
    await writeMark();
    expect((await status({ INGEST_QUEUE: aRefusingQueue() })).standing_still).toEqual(unknown);
    const metrics = async () => ({ backlogCount: 3 });
    const queue = asQueue({ ...aQueue().queue, metrics });
    expect((await status({ INGEST_QUEUE: queue })).standing_still).toEqual({ reason: "queue", since: null });
  });

  it("names a queue whose oldest message has waited for more than a minute", async () => {
    await writeMark();
    const metrics = async () => ({ backlogCount: 3, oldestMessageTimestamp: NOW - 61_000 });
    const queue = asQueue({ ...aQueue().queue, metrics });
    expect((await status({ INGEST_QUEUE: queue })).standing_still).toEqual({
      reason: "queue",
      since: "2026-05-01T11:58:59Z",
    });
  });
});
