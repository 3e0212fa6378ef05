import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import type { Env } from "../../src/env.ts";
import { Bell } from "../../src/feed/bell.ts";
import { BELL_NAME, ring } from "../../src/feed/ring.ts";
import { waitForEntry } from "../../src/feed/wait.ts";
import { deliver } from "../support/batch.ts";
import { hook, queued } from "../support/ingest.ts";
import { numberedEvents } from "../support/numbered.ts";
import { recorded } from "../support/world.ts";

type BellCalls = ReturnType<NonNullable<Env["FEED_BELL"]>["getByName"]>;

/** The real one. */
const FEED_BELL = env.FEED_BELL as NonNullable<Env["FEED_BELL"]>;
const realBell = () => FEED_BELL.getByName(BELL_NAME);

/** A bell of these calls; every other call fails. */
function aBell(calls: Partial<BellCalls>): Pick<Env, "FEED_BELL"> {
  const fail = () => Promise.reject(new Error("Durable Object is overloaded."));
  return { FEED_BELL: { getByName: () => ({ ring: fail, wait: fail, ...calls }) } };
}

const hangs = () => new Promise<never>(() => undefined);
const UNABLE = {
  "is missing": {},
  fails: aBell({}),
  "cannot be called": {
    FEED_BELL: {
      getByName: () => {
        throw new Error("No such object.");
      },
    },
  },
} satisfies Record<string, Pick<Env, "FEED_BELL">>;

const stopTimers = () => vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] });

/** The milliseconds that a wait took, by the stopped clock. */
async function timeOf(waiting: () => Promise<unknown>): Promise<number> {
  const start = Date.now();
  const ended = waiting().then(() => Date.now() - start);
  await vi.advanceTimersByTimeAsync(120_000);
  return ended;
}

describe("the bell", () => {
  it("is one object, which a delivery of the Worker rings and at which a reader waits", async () => {
    const waited = realBell().wait(0, 20_000);
    await deliver(await queued(hook(), hook({ message: "b" })), { FEED_BELL });
    expect(await waited).toBe(2);
  });

  it("finds what nobody has rung by its look at the database", async () => {
    await recorded(...numberedEvents(3));
    expect(await realBell().wait(2, 20_000)).toBe(3);
  });

  it.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, "1", null])(
    "refuses %j as a number",
    async (given) => {
      const value = given as number;
      await runInDurableObject(realBell() as unknown as DurableObjectStub<Bell>, (bell) => {
        expect(bell).toBeInstanceOf(Bell);
        for (const call of [() => bell.ring(value), () => bell.wait(value, 1), () => bell.wait(1, value)]) {
          expect(call).toThrow(RangeError);
        }
      });
    },
  );
});

describe("a ring", () => {
  it.each(Object.entries(UNABLE))("whose bell %s is lost without an error", async (_, unable) => {
    vi.spyOn(console, "warn").mockReturnValue();
    expect(await ring(unable, 1)).toBeUndefined();
  });

  it("whose bell hangs is given up after a second", async () => {
    const warn = vi.spyOn(console, "warn").mockReturnValue();
    stopTimers();
    expect(await timeOf(() => ring(aBell({ ring: hangs }), 1))).toBe(1_000);
    expect(warn).toHaveBeenCalledOnce();
  });
});

describe("a reader", () => {
  it("waits until the bell knows of an entry above its own", async () => {
    const asked: number[][] = [];
    const wait = async (after: number, ms: number) => {
      asked.push([after, ms]);
      return asked.length === 1 ? after : after + 1;
    };
    stopTimers();
    expect(await waitForEntry(aBell({ wait }), 7, 55_000)).toBe(true);
    expect(asked).toEqual([
      [7, 20_000],
      [7, 20_000],
    ]);
  });

  it("asks the bell in slices, the last of what is left", async () => {
    const slices: number[] = [];
    const wait = async (after: number, ms: number) => {
      slices.push(ms);
      await new Promise((resolve) => setTimeout(resolve, ms));
      return after;
    };
    stopTimers();
    expect(await timeOf(() => waitForEntry(aBell({ wait }), 7, 55_000))).toBe(55_000);
    expect(slices).toEqual([20_000, 20_000, 15_000]);
  });

  it.each(Object.entries(UNABLE))("whose bell %s looks for itself after 5 seconds, or earlier", async (_, unable) => {
    vi.spyOn(console, "warn").mockReturnValue();
    stopTimers();
    expect(await timeOf(() => waitForEntry(unable, 1, 60_000))).toBe(5_000);
    expect(await timeOf(() => waitForEntry(unable, 1, 300))).toBe(300);
  });

  it("whose bell is full looks for itself after 5 seconds", async () => {
    stopTimers();
    expect(await timeOf(() => waitForEntry(aBell({ wait: async () => -1 }), 1, 60_000))).toBe(5_000);
  });

  it("whose bell hangs looks for itself after 26 seconds, or a second after its time", async () => {
    vi.spyOn(console, "warn").mockReturnValue();
    stopTimers();
    expect(await timeOf(() => waitForEntry(aBell({ wait: hangs }), 1, 60_000))).toBe(26_000);
    expect(await timeOf(() => waitForEntry(aBell({ wait: hangs }), 1, 20_000))).toBe(21_000);
  });

  it.each([0, -1, Number.NaN])("does not wait for %d ms", async (ms) => {
    stopTimers();
    expect(await timeOf(() => waitForEntry(aBell({ wait: hangs }), 1, ms))).toBe(0);
  });
});
