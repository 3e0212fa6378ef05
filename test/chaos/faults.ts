import { vi } from "vitest";
import type { Random } from "../support/random.ts";

const START = Date.UTC(2026, 4, 1);

/** Simulated time, which Date and setTimeout keep to; `now` in seconds from its start. */
export class Clock {
  constructor() {
    vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"], now: START });
  }

  get now(): number {
    return (Date.now() - START) / 1000;
  }

  advance(seconds: number): void {
    vi.advanceTimersByTime(Math.ceil(seconds * 1000));
  }
}

/** Every so manieth batch fails before it is run, or is run and then fails: the answer is lost. */
const FAILS_EVERY = 3;
const TIMES_OUT_EVERY = 7;
/** The database is away from here to there. */
const DOWN_FROM = 20;
const DOWN_UNTIL = 80;
/** Parts of all puts that R2 refuses. */
const REFUSED_PUTS = 0.2;

/** The database, failing on command; `counts` tells how often it did. */
export function faultyDatabase(binding: D1Database, clock: Clock) {
  const counts = { failed: 0, timedOut: 0, down: 0 };
  let calls = 0;
  const batch: D1Database["batch"] = async <T>(statements: D1PreparedStatement[]) => {
    calls += 1;
    if (clock.now >= DOWN_FROM && clock.now < DOWN_UNTIL) {
      counts.down += 1;
      throw new Error("D1_ERROR: D1 DB is overloaded. Requests queued for too long.");
    }
    if (calls % FAILS_EVERY === 0) {
      counts.failed += 1;
      throw new Error("D1_ERROR: Network connection lost.");
    }
    const results = await binding.batch<T>(statements);
    if (calls % TIMES_OUT_EVERY === 0) {
      counts.timedOut += 1;
      throw new Error("D1_ERROR: D1 DB storage operation exceeded timeout which caused object to be reset.");
    }
    return results;
  };
  const DB = new Proxy(binding, {
    get: (target, name) => (name === "batch" ? batch : Reflect.get(target, name).bind(target)),
  });
  return { DB, counts };
}

/** The bucket, refusing some of what it is given. */
export function faultyBucket(binding: R2Bucket, random: Random) {
  return new Proxy(binding, {
    get(target, name) {
      if (name === "put" && random.next() < REFUSED_PUTS)
        return () => Promise.reject(new Error("We encountered an internal error."));
      return Reflect.get(target, name).bind(target);
    },
  });
}
