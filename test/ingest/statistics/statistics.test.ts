import { describe, expect, it, vi } from "vitest";
import { consume } from "../../../src/ingest/consumer.ts";
import { packMessages } from "../../../src/ingest/queue/message.ts";
import { INGEST_QUEUE_NAME } from "../../../src/ingest/queue/names.ts";
import { bucketBound, lagBucket, percentile } from "../../../src/ingest/statistics/lag.ts";
import { queueRejection } from "../../../src/ingest/statistics/rejected.ts";
import { aBatch, deliver } from "../../support/batch.ts";
import { aFailingDatabase, aMeteredDatabase, push, rows } from "../../support/ingest.ts";
import { aQueue, aRefusingQueue, asQueue } from "../../support/queue.ts";
import { bindings, hex, request } from "../../support/world.ts";

const DAY_1 = Date.UTC(2026, 10, 1, 12) * 1000;
const DAY_2 = Date.UTC(2026, 10, 2, 12) * 1000;
const event = (name: string) => ({ uuid: hex(name), created: 0, eventType: "t", message: name, context: "{}" });
const message = (producer: string, receivedAt: number, ...names: string[]) =>
  packMessages({ producer, receivedAt }, names.map(event)).join();

async function consumed(now: number, ...bodies: string[]) {
  const { DB, cost } = aMeteredDatabase();
  const messages = bodies.map((body) => ({ body }));
  await consume(aBatch(INGEST_QUEUE_NAME, messages).batch, bindings({ DB }), now);
  return cost;
}

describe("the numbers of a day", () => {
  it("are kept by producer and day of receipt: stored, duplicates, and the lag", async () => {
    await consumed(
      DAY_1 + 1_000_000,
      message("a", DAY_1, "1", "2"),
      message("a", DAY_1 + 1, "2", "3"),
      message("b", DAY_1, "4"),
    );
    await consumed(DAY_2 + 8_000_000, message("a", DAY_2, "1", "5"));
    const [a1, b1, a2] = await rows("ingest_days");
    expect([a1, b1, a2]).toMatchObject([
      { producer: "a", day: "2026-11-01", accepted: 4, stored: 3, duplicates: 1, dead: 0 },
      { producer: "b", day: "2026-11-01", accepted: 1, stored: 1, duplicates: 0, dead: 0 },
      { producer: "a", day: "2026-11-02", accepted: 2, stored: 1, duplicates: 1, dead: 0 },
    ]);
    expect(JSON.parse(String(a1?.lag))).toEqual({ [lagBucket(1000)]: 3 });
    expect(JSON.parse(String(a2?.lag))).toEqual({ [lagBucket(8000)]: 1 });
  });

  it("do not count what the queue delivers again, alone or together with new events", async () => {
    const first = message("a", DAY_1, "1", "2");
    await consumed(DAY_1 + 1_000_000, first);
    await consumed(DAY_1 + 9_000_000, first, message("a", DAY_1 + 5, "3"), first);
    expect(await rows("ingest_days")).toMatchObject([{ accepted: 3, stored: 3, duplicates: 0 }]);
    const lag = JSON.parse(String((await rows("ingest_days"))[0]?.lag));
    expect(lag).toEqual({ [lagBucket(1000)]: 2, [lagBucket(9000)]: 1 });
  });

  it("cost one row for each producer in a batch", async () => {
    const names = Array.from({ length: 500 }, (_, index) => String(index));
    await consumed(DAY_1, message("a", DAY_1, ...names));
    // Of known events, every batch writes 1 row besides.
    const one = await consumed(DAY_1, message("a", DAY_1 + 1, ...names));
    // Once, an event and its index entry tell that another producer has sent it, too.
    const shared = await consumed(DAY_1, message("b", DAY_1, ...names));
    // Events of two producers with one uuid are written one after the other, in two transactions.
    const two = await consumed(DAY_1, message("a", DAY_1 + 2, ...names), message("b", DAY_1 + 1, ...names));
    expect([one.rowsWritten, shared.rowsWritten - 2 * 500, two.rowsWritten]).toEqual([1 + 1, 1 + 1, 1 + 1 + 2]);
  });
});

describe("refused requests", () => {
  const post = (body: string, headers: Record<string, string>, queue: Queue<string>) => push(body, { queue, headers });

  it("are counted by reason, through the queue, for producers there are", async () => {
    const { queue, notes } = aQueue();
    await post("{", {}, queue);
    await post("{}", {}, queue);
    await post("{}", { Authorization: "Bearer wrong" }, queue);
    await post("{}", { "Content-Type": "text/csv" }, queue);
    await request("/ingest/nobody", { method: "POST", body: "{}" }, { INGEST_QUEUE: queue });
    await deliver(notes);
    expect(
      (await rows("ingest_rejections")).map(({ producer, reason, requests }) => [producer, reason, requests]),
    ).toEqual([
      ["waldur", "credentials", 1],
      ["waldur", "invalid", 2],
      ["waldur", "unknown_type", 1],
    ]);
  });

  it("that come while one is being told to the queue go together, and wait when it refuses", async () => {
    const sent: string[] = [];
    const asked = Promise.withResolvers<void>();
    const refusal = Promise.withResolvers<void>();
    const answers = [refusal.promise];
    const send = async (body: string) => {
      asked.resolve();
      await answers.shift();
      sent.push(body);
    };
    const queue = asQueue({ metrics: async () => ({ backlogCount: 0 }), send });
    const first = post("{", {}, queue);
    await asked.promise;
    await Promise.all([post("{", {}, queue), post("{", {}, queue)]);
    refusal.reject(new Error("Too Many Requests"));
    await first;
    expect(sent).toEqual([]);
    await post("{", {}, queue);
    expect(sent).toHaveLength(1);
    await deliver(sent);
    expect(await rows("ingest_rejections")).toMatchObject([{ producer: "waldur", reason: "invalid", requests: 4 }]);
  });

  it("are told by the next one when the request that was telling them has died", async () => {
    // No deadline ends: workerd drops the timers of a request that was cancelled, and its promises never settle.
    vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"], now: DAY_1 / 1_000 });
    const sent: string[] = [];
    const answers: Promise<void>[] = [new Promise(() => {})];
    const send = async (body: string) => {
      await answers.shift();
      sent.push(body);
    };
    const queue = asQueue({ send });
    void queueRejection(queue, "waldur", "invalid", DAY_1);
    await queueRejection(queue, "waldur", "invalid", DAY_1 + 3_000_000);
    expect(sent).toEqual([]);
    await queueRejection(queue, "waldur", "invalid", DAY_1 + 10_000_000);
    expect(sent).toHaveLength(1);
    await queueRejection(queue, "waldur", "invalid", DAY_1 + 10_000_001);
    await deliver(sent);

    const counted = (await rows("ingest_rejections")).map(({ requests }) => requests);
    expect(counted).toEqual([4]);
  });

  it("are delivered again while the database is away", async () => {
    const { queue, notes } = aQueue();
    await post("{", {}, queue);
    const { DB } = aFailingDatabase("D1_ERROR: Network connection lost.");
    expect(await deliver(notes, { DB })).toEqual([{ retriedAfter: expect.any(Number) }]);
    expect(await deliver(notes)).toEqual(["acked"]);
    expect(await rows("ingest_rejections")).toMatchObject([{ producer: "waldur", reason: "invalid", requests: 1 }]);
  });

  it("never change the answer", async () => {
    expect((await post("{", {}, aRefusingQueue())).status).toBe(400);
  });
});

describe("a percentile of the lag", () => {
  it("is told at most a fifth too high", () => {
    for (const lag of [2, 3, 10, 999, 60_000, 86_400_000]) {
      const bound = bucketBound(lagBucket(lag));
      expect(bound).toBeGreaterThanOrEqual(lag - 1e-6 * lag);
      expect(bound).toBeLessThanOrEqual(lag * 1.2);
    }
    expect([lagBucket(-5), lagBucket(0), lagBucket(1)]).toEqual([0, 0, 0]);
  });

  it("is that of the bucket where the part is reached", () => {
    const histogram = { [lagBucket(1024)]: 98, [lagBucket(1_048_576)]: 2 };
    expect([percentile(histogram, 0.5), percentile(histogram, 0.98), percentile(histogram, 0.99)]).toEqual([
      1024, 1024, 1_048_576,
    ]);
    expect(percentile({}, 0.5)).toBeUndefined();
  });
});

it("a request without events sends no message", async () => {
  const { queue, bodies, notes } = aQueue();
  const response = await push("[]", { queue, headers: { "Content-Type": "application/cloudevents-batch+json" } });
  expect([response.status, bodies, notes]).toEqual([202, [], []]);
});
