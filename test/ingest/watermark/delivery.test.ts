import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { WATERMARK_KEY } from "../../../src/ingest/queue/keys.ts";
import { DEAD_LETTER_QUEUE_NAME, INGEST_QUEUE_NAME } from "../../../src/ingest/queue/names.ts";
import { LAST_ATTEMPT } from "../../../src/ingest/queue/retry.ts";
import { MAX_ATTEMPTS } from "../../../src/ingest/settle.ts";
import { METRICS_AGE_MS } from "../../../src/ingest/watermark/mark.ts";
import { WATERMARK_MARGIN_MS } from "../../../src/ingest/watermark/through.ts";
import worker from "../../../src/worker.ts";
import { aRefusingBucket } from "../../cloud/r2.ts";
import { aBatch } from "../../support/batch.ts";
import { stopClock } from "../../support/clock.ts";
import { aFailingDatabase, aMeteredDatabase, hook, push, queued } from "../../support/ingest.ts";
import { aQueue, aRefusingQueue, asQueue } from "../../support/queue.ts";
import { keysBelow } from "../../support/storage.ts";
import { bindings } from "../../support/world.ts";
import { MINUTE, mark, NOON, NOW, through, watched, writeMark } from "./marks.ts";

const SENT = NOW - 1_000;
const AWAY = "D1_ERROR: Network connection lost.";

/** Delivers a new event that was sent at SENT, with metrics of the queue. */
async function deliver(
  metrics: object = { backlogCount: 1, oldestMessageTimestamp: new Date(SENT) },
  { changed = {}, attempts = 1, name = INGEST_QUEUE_NAME, sent = SENT } = {},
) {
  const [body] = await queued(hook({ message: `${Math.random()}` }));
  const given = { backlogBytes: 0, backlogCount: 1, ...metrics };
  const { batch, outcomes } = aBatch(name, [{ body, attempts, timestamp: new Date(sent) }], given);
  await worker.queue(batch, bindings(changed));
  return outcomes;
}

describe("a delivery raises the watermark", () => {
  it("to its own message, less the margin, in the rows that it writes anyway", async () => {
    stopClock(NOON);
    const cost = async () => {
      const { DB, cost } = aMeteredDatabase();
      await deliver(undefined, { changed: { DB } });
      // Whether an event was received later than the one before it, which costs reads, is chance: its microseconds are random.
      return { statements: cost.statements, rowsWritten: cost.rowsWritten };
    };
    await cost();
    const before = await cost();
    expect(await through()).toBe(0);
    await writeMark();
    expect(await cost()).toEqual(before);
    expect(await through()).toBe(SENT - WATERMARK_MARGIN_MS);
  });

  it.each([
    ["Date", new Date(SENT - 7_000)],
    ["number", SENT - 7_000],
  ])("to the oldest message of the queue, a %s", async (_, oldestMessageTimestamp) => {
    stopClock(NOON);
    await writeMark();
    await deliver({ backlogCount: 5, oldestMessageTimestamp });
    expect(await through()).toBe(SENT - 7_000 - WATERMARK_MARGIN_MS);
  });

  it("and never takes it back", async () => {
    stopClock(NOON);
    await writeMark();
    await deliver();
    await deliver({ backlogCount: 5, oldestMessageTimestamp: new Date(SENT - MINUTE) });
    expect(await through()).toBe(SENT - WATERMARK_MARGIN_MS);
  });
});

describe("a delivery leaves the watermark", () => {
  it.each([
    ["no oldest message, though some wait", { backlogCount: 1 }],
    ["an oldest message of the time 0", { backlogCount: 1, oldestMessageTimestamp: 0 }],
    ["no message, not even its own", { backlogCount: 0 }],
    ["a later message than its own as the oldest", { oldestMessageTimestamp: new Date(SENT + 1) }],
  ])("when the metrics have %s", async (_, metrics) => {
    stopClock(NOON);
    await writeMark();
    await deliver(metrics);
    expect([await through(), (await mark())?.unseen.until]).toEqual([0, 0]);
  });

  it("and stops it, when the metrics miss an old message: they may miss another consumer's", async () => {
    stopClock(NOON);
    await writeMark();
    const sent = NOW - METRICS_AGE_MS - 1;
    await deliver({ backlogCount: 0 }, { sent });
    expect((await mark())?.unseen).toMatchObject({ reason: "queue", since: NOW });
    expect(await through()).toBe(0);
  });

  const hold = { reason: "spilled" as const, since: NOW - 1, until: NOW - 1 };
  it.each([
    ["messages are outside of the queue", { outside: hold }],
    ["messages wait for a retry", { unseen: { reason: "retried" as const, since: 0, until: NOW + 1 } }],
    [
      "they waited when its metrics were read",
      { unseen: { reason: "retried" as const, since: 0, until: NOW - 4_999 } },
    ],
    ["the cron job has not run for long", { at: NOW - 15 * MINUTE }],
  ])("when the mark says that %s", async (_, changed) => {
    stopClock(NOON);
    await writeMark(changed);
    await deliver();
    expect(await through()).toBe(0);
  });

  it("without a mark, with one that is unreadable, and when R2 does not answer", async () => {
    stopClock(NOON);
    await deliver();
    await env.SPILL.put(WATERMARK_KEY, "{}");
    await deliver();
    await writeMark();
    expect(await deliver(undefined, { changed: { SPILL: aRefusingBucket() } })).toEqual(["acked"]);
    expect(await through()).toBe(0);
  });
});

describe("the watermark is stopped", () => {
  it("before messages go to R2 that the queue refuses, and by whom", async () => {
    stopClock(NOON);
    await writeMark();
    const puts: unknown[] = [];
    const SPILL = watched((call, key) => call === "put" && puts.push(key));
    expect((await push(hook(), { changed: { SPILL, INGEST_QUEUE: aRefusingQueue() } })).status).toBe(202);
    expect(puts).toEqual([WATERMARK_KEY, expect.stringMatching(/^spill\//)]);
    expect((await mark())?.outside).toMatchObject({ reason: "spilled", since: NOW, producer: "waldur" });
  });

  it("or else the request is not accepted", async () => {
    const SPILL = watched((call, key) => {
      if (call === "put" && key === WATERMARK_KEY) throw new Error("We encountered an internal error.");
    });
    expect((await push(hook(), { changed: { SPILL, INGEST_QUEUE: aRefusingQueue() } })).status).toBe(503);
    expect(await keysBelow("spill/")).toEqual([]);
  });

  it("for a large request only when the queue does not take all of it before the 202", async () => {
    stopClock(NOON);
    await writeMark();
    const many = Array.from({ length: 15 }, (_, index) => hook({ message: `${index}${"x".repeat(60_000)}` }));
    const { queue } = aQueue();
    expect((await push(many, { queue })).status).toBe(202);
    expect([await keysBelow(), (await mark())?.outside]).toEqual([[], null]);
    let sends = 0;
    const sendBatch = async () => {
      sends += 1;
      if (sends > 1) throw new Error("no");
    };
    expect((await push(many, { queue: asQueue({ ...queue, sendBatch }) })).status).toBe(202);
    expect((await mark())?.outside).toMatchObject({ reason: "spilled", producer: "waldur" });
  });

  it("while a message waits for its retry, from the end of the delivery on", async () => {
    stopClock(NOON);
    await writeMark();
    const [outcome] = await deliver(undefined, { changed: { DB: aFailingDatabase(AWAY).DB }, attempts: 3 });
    expect(outcome).toEqual({ retriedAfter: expect.any(Number) });
    expect((await mark())?.unseen).toEqual({ reason: "retried", since: NOW, until: NOW + 40_000 });
  });

  it("before a message goes to the dead letters", async () => {
    stopClock(NOON);
    await writeMark();
    const seen: unknown[] = [];
    const send = async () => seen.push((await mark())?.outside?.reason);
    const changed = { DB: aFailingDatabase("CHECK constraint failed: SQLITE_CONSTRAINT").DB };
    const dead = asQueue({ ...aQueue().queue, send });
    await deliver(undefined, { changed: { ...changed, INGEST_DEAD_LETTERS: dead }, attempts: MAX_ATTEMPTS });
    expect(seen).toEqual(["dead"]);
  });

  it("at the last delivery, after which the platform moves a message, and at retries of a dead one", async () => {
    stopClock(NOON);
    await writeMark();
    await deliver(undefined, { attempts: LAST_ATTEMPT });
    expect((await mark())?.outside?.reason).toBe("dead");
    await writeMark();
    await deliver(undefined, { changed: { DB: aFailingDatabase(AWAY).DB }, name: DEAD_LETTER_QUEUE_NAME });
    expect(await mark()).toMatchObject({ outside: { reason: "dead" }, unseen: { since: NOW } });
    expect(await through()).toBe(0);
  });
});
