import { createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { MAX_EVENT_BYTES } from "../../src/ingest/event.ts";
import { sendGroups } from "../../src/ingest/queue/send.ts";
import worker from "../../src/worker.ts";
import { aRefusingBucket } from "../cloud/r2.ts";
import { deliver } from "../support/batch.ts";
import { stopClock } from "../support/clock.ts";
import { hook, push, rows } from "../support/ingest.ts";
import { aQueue, aRefusingQueue, asQueue } from "../support/queue.ts";
import { keysBelow as keys } from "../support/storage.ts";
import { runMinute } from "../support/world.ts";

const send = (body: unknown, changed: object) => push(body, { changed });

describe("events that the queue refuses", () => {
  it("are left in R2, by the day, with the answer 202; the cron job sends them on, then deletes them there", async () => {
    stopClock("2026-05-01T12:00:00.123Z");
    const response = await send([hook(), hook({ message: "b" })], { INGEST_QUEUE: aRefusingQueue() });
    expect(response.status).toBe(202);
    expect(await keys()).toEqual([expect.stringMatching(/^spill\/2026-05-01\/12-00-00\.123-[\da-f-]{36}\.json$/)]);
    const { queue, bodies } = aQueue();
    await runMinute({ INGEST_QUEUE: queue });
    expect(await keys()).toEqual([]);
    await deliver(bodies);
    expect(await rows("events")).toHaveLength(2);
  });

  it("are sent on even when another object cannot be read", async () => {
    await env.SPILL.put("spill/2026-01-01/00-00-00.000-x.json", "no JSON");
    await send(hook(), { INGEST_QUEUE: aRefusingQueue() });
    const { queue, bodies } = aQueue();
    await runMinute({ INGEST_QUEUE: queue });
    expect([bodies.length, await keys()]).toEqual([1, ["unreadable/spill/2026-01-01/00-00-00.000-x.json"]]);
  });

  it("stay in R2 when the queue refuses them again", async () => {
    await send(hook(), { INGEST_QUEUE: aRefusingQueue() });
    await expect(runMinute({ INGEST_QUEUE: aRefusingQueue() })).rejects.toThrow("Too Many Requests");
    expect(await keys("spill/")).toHaveLength(1);
  });

  it("and R2 refuses as well are answered with 503 and when to try again, and none is accepted", async () => {
    const response = await send(hook(), { INGEST_QUEUE: aRefusingQueue(), SPILL: aRefusingBucket() });
    expect([response.status, response.headers.get("Retry-After")]).toEqual([503, "5"]);
    expect(await response.text()).not.toMatch(/Too Many|internal/);
    expect(await keys()).toEqual([]);
  });
});

it("events that the queue does not take within two seconds go to R2", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const { promise: isSent, resolve: sending } = Promise.withResolvers<void>();
  const sendBatch = () => {
    sending();
    return new Promise(() => {});
  };
  const response = send(hook(), {
    INGEST_QUEUE: asQueue({ sendBatch, metrics: async () => ({ backlogCount: 0 }) }),
  });
  await isSent;
  await vi.advanceTimersByTimeAsync(1_999);
  expect(await keys("spill/")).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect((await response).status).toBe(202);
  expect(await keys("spill/")).toHaveLength(1);
});

describe("a request larger than one send", () => {
  const many = Array.from({ length: 15 }, (_, index) =>
    hook({ message: `${index}${"x".repeat(MAX_EVENT_BYTES - 1000)}` }),
  );

  it("is kept in R2 until the queue has all of it", async () => {
    const { queue, bodies } = aQueue();
    expect((await send(many, { INGEST_QUEUE: queue })).status).toBe(202);
    expect(await keys()).toEqual([]);
    await deliver(bodies);
    expect(await rows("events")).toHaveLength(15);
  });

  it("is not half accepted when the queue stops in between, nor when R2 does not take it", async () => {
    const { queue, bodies } = aQueue();
    let sends = 0;
    const halting = asQueue({
      ...queue,
      sendBatch: (messages: Iterable<{ body: string }>) => {
        sends += 1;
        return sends > 2 ? Promise.reject(new Error("no")) : asQueue(queue).sendBatch([...messages]);
      },
    });
    expect((await send(many, { INGEST_QUEUE: halting })).status).toBe(202);
    expect(await keys("spill/")).toHaveLength(1);
    await runMinute({ INGEST_QUEUE: queue });
    await deliver(bodies);
    expect(await rows("events")).toHaveLength(15);
    const before = bodies.length;
    expect((await send(many, { INGEST_QUEUE: queue, SPILL: aRefusingBucket() })).status).toBe(503);
    expect(bodies).toHaveLength(before);
  });
});

describe("back-pressure", () => {
  it("tells a producer to slow down while too many messages wait, and when to come back", async () => {
    const { queue, bodies } = aQueue({ backlog: 21 });
    const response = await send(hook(), { INGEST_QUEUE: queue, INGEST_MAX_BACKLOG: "10" });
    expect(response.status).toBe(429);
    const headers = ["Retry-After", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"];
    expect(headers.map((name) => response.headers.get(name))).toEqual(["10", "20", "0", "10"]);
    expect(bodies).toEqual([]);
  });

  it("lets a producer with a higher limit of its own go on", async () => {
    const { queue } = aQueue({ backlog: 21 });
    const secrets = JSON.stringify({ waldur: { secrets: ["waldur-secret"], max_backlog: 30 } });
    const bindings = { INGEST_QUEUE: queue, INGEST_MAX_BACKLOG: "10", INGEST_SECRETS: secrets };
    expect((await send(hook(), bindings)).status).toBe(202);
  });
});

it("groups of messages keep the limits of the queue, and a message that is too large is not sent", () => {
  expect(sendGroups(Array.from({ length: 250 }, () => "x")).map((group) => group.length)).toEqual([100, 100, 50]);
  expect(sendGroups(Array.from({ length: 5 }, () => "õ".repeat(50_000))).map((group) => group.length)).toEqual([
    2, 2, 1,
  ]);
  expect(() => sendGroups(["x".repeat(128_000)])).toThrow("larger than the queue takes");
});

it("an unknown cron line is a mistake in the configuration", async () => {
  const controller = createScheduledController({ cron: "0 0 * * *" });
  await expect(worker.scheduled(controller, env)).rejects.toThrow("No job");
});
