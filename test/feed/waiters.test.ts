import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { readEnd } from "../../src/events/log/end.ts";
import {
  FULL,
  LOOK_MS,
  MAX_WAIT_MS,
  MAX_WAITERS,
  ROUND_MS,
  ROUND_MS_PER_WAITER,
  Waiters,
} from "../../src/feed/waiters.ts";
import { aMeteredDatabase } from "../support/ingest.ts";
import { numberedEvents } from "../support/numbered.ts";
import { recorded } from "../support/world.ts";

const START = Date.UTC(2026, 4, 1);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"], now: START });
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

/** A stopped clock runs a timer that another timer has set, without a delay, a millisecond later. */
const TURN_MS = 1;

/** A log whose end the test sets, and how often it was looked at. `commit` sets it and rings. */
function aLog(end = 0) {
  const log = { end, looks: 0 };
  const waiters = new Waiters(async () => {
    log.looks += 1;
    return log.end;
  });
  const commit = (to: number) => {
    log.end = to;
    waiters.ring(to);
  };
  return { log, waiters, commit };
}

/** The answers so far, as [after, answer, milliseconds since the test began], in their order. */
function waitingAt(waiters: Waiters) {
  const answers: [after: number, end: number, at: number][] = [];
  const wait = (after: number, ms = MAX_WAIT_MS) =>
    void waiters.wait(after, ms).then((end) => answers.push([after, end, Date.now() - START]));
  return { answers, wait };
}

describe("a ring", () => {
  it("wakes all who are behind it, and nobody else", async () => {
    const { waiters, commit } = aLog(5);
    const { answers, wait } = waitingAt(waiters);
    for (const after of [5, 6, 5, 7, 9]) wait(after);
    await pass(1_000);
    commit(7);
    await pass(0);
    expect(answers).toEqual([
      [5, 7, 1_000],
      [6, 7, 1_000],
      [5, 7, 1_000],
    ]);
  });

  it("before the wait is remembered", async () => {
    const { waiters } = aLog(8);
    const { answers, wait } = waitingAt(waiters);
    waiters.ring(8);
    wait(7);
    wait(8);
    await pass(0);
    expect(answers).toEqual([[7, 8, 0]]);
  });

  it("of an earlier end, from a consumer that was overtaken, wakes nobody", async () => {
    const { waiters, commit } = aLog(9);
    const { answers, wait } = waitingAt(waiters);
    wait(9);
    commit(9);
    waiters.ring(8);
    await pass(1_000);
    expect(answers).toEqual([]);
  });

  it("within 200 ms of a round is made at its end, with all others", async () => {
    const { waiters, commit } = aLog();
    const { answers, wait } = waitingAt(waiters);
    wait(0);
    commit(1);
    await pass(10);
    wait(1);
    wait(0);
    for (const end of [2, 3, 4]) commit(end);
    await pass(ROUND_MS - 11);
    expect(answers).toEqual([[0, 1, 0]]);
    await pass(1);
    expect(answers.slice(1)).toEqual([
      [1, 4, ROUND_MS],
      [0, 4, ROUND_MS],
    ]);
  });

  it("after many were woken makes its round so much later that an object can take their calls", async () => {
    const { waiters, commit } = aLog();
    const { answers, wait } = waitingAt(waiters);
    for (let n = 0; n < 1_000; n += 1) wait(0);
    commit(1);
    await pass(0);
    expect(answers).toHaveLength(1_000);
    wait(1);
    commit(2);
    await pass(1_000 * ROUND_MS_PER_WAITER - 1);
    expect(answers).toHaveLength(1_000);
    await pass(1);
    expect(answers.at(-1)).toEqual([1, 2, 1_000]);
  });
});

describe("a look", () => {
  it("makes a lost ring good", async () => {
    const { log, waiters } = aLog(3);
    const { answers, wait } = waitingAt(waiters);
    wait(3);
    await pass(100);
    log.end = 4;
    await pass(LOOK_MS - 101);
    expect(answers).toEqual([]);
    await pass(1 + TURN_MS);
    expect(answers).toEqual([[3, 4, LOOK_MS + TURN_MS]]);
  });

  it("is taken every 5 seconds while somebody waits, and only then", async () => {
    const { log, waiters } = aLog(1);
    const { wait } = waitingAt(waiters);
    waiters.ring(1);
    await pass(60_000);
    expect(log.looks).toBe(0);
    wait(1, 12_000);
    await pass(12_000);
    expect(log.looks).toBe(3);
    expect(vi.getTimerCount()).toBe(0);
    await pass(60_000);
    expect(log.looks).toBe(3);
  });

  it("is not taken more often for readers who come and go", async () => {
    const { log, waiters } = aLog(1);
    for (let n = 0; n < 40; n += 1) {
      void waiters.wait(1, 100);
      await pass(250);
    }
    expect(log.looks).toBe(2);
  });

  it("reads 2 rows, for a thousand readers, too", async () => {
    await recorded(...numberedEvents(20));
    const { DB, cost } = aMeteredDatabase();
    let done = Promise.resolve(0);
    const waiters = new Waiters(() => (done = readEnd(DB)));
    const { answers, wait } = waitingAt(waiters);
    for (let n = 0; n < 1_000; n += 1) wait(19);
    await pass(0);
    expect(await done).toBe(20);
    await pass(TURN_MS);
    expect(answers).toHaveLength(1_000);
    expect(cost).toEqual({ statements: 1, rowsRead: 2, rowsWritten: 0 });
  });

  it("that fails, or hangs, is followed by the next", async () => {
    const warn = vi.spyOn(console, "warn").mockReturnValue();
    const ends: (() => Promise<number>)[] = [
      () => Promise.reject(new Error("D1_ERROR: Network connection lost.")),
      () => new Promise(() => undefined),
      () => {
        throw new Error("D1 is away.");
      },
      async () => 2,
    ];
    const waiters = new Waiters(() => ends.shift()?.() ?? Promise.resolve(2));
    const { answers, wait } = waitingAt(waiters);
    wait(1);
    await pass(3 * LOOK_MS + TURN_MS);
    expect(answers).toEqual([[1, 2, 3 * LOOK_MS + TURN_MS]]);
    expect(warn.mock.calls.map(([line]) => JSON.parse(String(line)).event)).toEqual(Array(3).fill("feed_look_failed"));
  });

  it("corrects what was rung before the database was restored to an earlier time", async () => {
    const { waiters, commit } = aLog(6);
    const { answers, wait } = waitingAt(waiters);
    waiters.ring(10);
    wait(6);
    await pass(0);
    expect(answers).toEqual([[6, 10, 0]]);
    wait(6, 1_000);
    await pass(1_000);
    expect(answers.slice(1)).toEqual([[6, 6, 1_000]]);
    wait(6);
    commit(7);
    await pass(0);
    expect(answers.slice(2)).toEqual([[6, 7, 1_000]]);
  });

  it("does not undo a ring that came after it began", async () => {
    const { promise, resolve } = Promise.withResolvers<number>();
    const waiters = new Waiters(() => promise);
    const { answers, wait } = waitingAt(waiters);
    wait(5);
    await pass(0);
    waiters.ring(5);
    resolve(4);
    await pass(ROUND_MS);
    wait(4);
    await pass(0);
    expect(answers).toEqual([[4, 5, ROUND_MS]]);
  });
});

describe("a wait", () => {
  it.each([
    [0, 0],
    [250, 300],
    [MAX_WAIT_MS, MAX_WAIT_MS],
    [Number.MAX_SAFE_INTEGER, MAX_WAIT_MS],
  ])("of %i ms ends after %i ms with the end that is known", async (ms, answered) => {
    const { waiters } = aLog(4);
    const { answers, wait } = waitingAt(waiters);
    wait(4, ms);
    await pass(MAX_WAIT_MS + 1_000);
    expect(answers).toEqual([[4, expect.any(Number), answered]]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is refused at once while ten thousand others wait", async () => {
    const { waiters, commit } = aLog();
    const { answers, wait } = waitingAt(waiters);
    for (let n = 0; n < MAX_WAITERS; n += 1) wait(0);
    wait(77);
    await pass(0);
    expect(answers).toEqual([[77, FULL, 0]]);
    expect(vi.getTimerCount()).toBeLessThanOrEqual(3);
    commit(1);
    await pass(0);
    expect(answers).toHaveLength(MAX_WAITERS + 1);
    wait(1, 100);
    await pass(200);
    expect(answers.at(-1)?.slice(0, 2)).toEqual([1, expect.any(Number)]);
  });
});

it("the end of an empty log is 0", async () => {
  expect(await readEnd(env.DB)).toBe(0);
});
