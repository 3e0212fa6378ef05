import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { packMessages } from "../../src/ingest/queue/message.ts";
import { aRefusingBucket } from "../cloud/r2.ts";
import { deliver } from "../support/batch.ts";
import { later, stopClock } from "../support/clock.ts";
import { rows } from "../support/ingest.ts";
import { aQueue, aRefusingQueue, asQueue } from "../support/queue.ts";
import { isMark, keysBelow as keys } from "../support/storage.ts";
import { hex, runMinute } from "../support/world.ts";

/** An object as a refused request leaves it; lower numbers are older. */
const keyOf = (number: number) => `spill/2026-01-01/00-00-00.000-${String(number).padStart(5, "0")}.json`;

const spilled = (number: number, body: string) => env.SPILL.put(keyOf(number), body);

/** Requests of one event each, spilled. */
async function spilledEvents(count: number, first = 0): Promise<void> {
  for (let number = first; number < first + count; number++) {
    const event = { uuid: hex(number), created: number, eventType: "t", message: `event ${number}`, context: "{}" };
    await spilled(number, JSON.stringify(packMessages({ producer: "waldur", receivedAt: 0 }, [event])));
  }
}

/** The bucket, with what is called, but for its marks. `before` runs before each call. */
function aWatchedBucket(before: (call: string, key: unknown) => void = () => {}) {
  const calls: string[] = [];
  const SPILL = new Proxy(env.SPILL, {
    get: (target, name) => {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== "function") return method;
      return async (...given: unknown[]) => {
        if (!isMark(given[0])) calls.push(String(name));
        before(String(name), given[0]);
        return method.apply(target, given);
      };
    },
  });
  return { SPILL, calls };
}

describe("a sweep", () => {
  it("is never blocked by objects that nobody can read: it puts them aside, as they are", async () => {
    for (let number = 0; number < 220; number++) await spilled(number, number % 2 ? "no JSON" : '{"not":"messages"}');
    await spilled(220, JSON.stringify(["x".repeat(128_000)]));
    await spilledEvents(1, 221);
    const { queue, bodies } = aQueue();
    await runMinute({ INGEST_QUEUE: queue });

    expect(bodies).toHaveLength(1);
    expect(await keys("spill/")).toEqual([]);
    expect(await keys("unreadable/")).toHaveLength(221);
    expect(await (await env.SPILL.get(`unreadable/${keyOf(1)}`))?.text()).toBe("no JSON");
    const again = aWatchedBucket();
    await runMinute({ ...again, INGEST_QUEUE: queue });
    expect(again.calls.filter((call) => call === "get")).toEqual([]);
  });

  it("sends the requests of an outage within the minute, many at once", async () => {
    await spilledEvents(450);
    const { queue, bodies } = aQueue();
    const { SPILL, calls } = aWatchedBucket();
    let sends = 0;
    const sendBatch = (messages: Iterable<{ body: string }>) => {
      sends += 1;
      return asQueue(queue).sendBatch([...messages]);
    };
    await runMinute({ SPILL, INGEST_QUEUE: asQueue({ ...queue, sendBatch }) });

    expect(await keys()).toEqual([]);
    expect(calls.filter((call) => call !== "get")).toEqual(["list", "list", ...Array(5).fill("delete")]);
    expect(sends).toBe(5);
    await deliver(bodies);
    expect(await rows("events")).toHaveLength(450);
  });

  it("leaves what R2 fails to return for the next one, and sends the others", async () => {
    await spilledEvents(7);
    const { queue, bodies } = aQueue();
    const { SPILL } = aWatchedBucket((call, key) => {
      if (call === "get" && key === keyOf(2)) throw new Error("We encountered an internal error.");
    });
    await runMinute({ SPILL, INGEST_QUEUE: queue });

    expect(bodies).toHaveLength(6);
    expect(await keys()).toEqual([keyOf(2)]);
  });

  it("deletes nothing that the queue has refused", async () => {
    await spilledEvents(3);
    await expect(runMinute({ INGEST_QUEUE: aRefusingQueue() })).rejects.toThrow("Too Many Requests");

    expect(await keys()).toHaveLength(3);
  });

  it("puts nothing aside that it cannot keep", async () => {
    await spilled(1, "no JSON");
    const { queue } = aQueue();
    const { SPILL } = aWatchedBucket();
    const refusing = new Proxy(SPILL, {
      get: (target, name) => Reflect.get(name === "put" ? aRefusingBucket() : target, name),
    });
    await expect(runMinute({ SPILL: refusing, INGEST_QUEUE: queue })).rejects.toThrow("internal error");

    expect(await keys()).toEqual([keyOf(1)]);
  });

  it("ends before the next one begins, also when R2 is slow", async () => {
    await spilledEvents(250);
    stopClock("2026-11-25T12:00:00Z");
    const { queue, bodies } = aQueue();
    const { SPILL } = aWatchedBucket((call) => {
      if (call === "get") later(600);
    });
    await runMinute({ SPILL, INGEST_QUEUE: queue });
    expect(bodies).toHaveLength(100);
    await runMinute({ INGEST_QUEUE: queue });

    expect(bodies).toHaveLength(250);
    expect(await keys()).toEqual([]);
  });
});
