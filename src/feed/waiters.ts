import { withDeadline } from "../values/deadline.ts";
import { Paced } from "./paced.ts";

/** Waiters are woken together, and not twice within this time: milliseconds. */
export const ROUND_MS = 200;

/** After a round, each woken waiter puts the next one off by this: milliseconds. An object takes some 1,000 calls a second. */
export const ROUND_MS_PER_WAITER = 1;

/** While somebody waits, the end of the log is looked up this often: milliseconds. */
export const LOOK_MS = 5_000;

/** A look that takes longer is given up: milliseconds. Less than LOOK_MS, so that no two run at once. */
const LOOK_DEADLINE_MS = 4_000;

/** The longest that anybody waits: milliseconds. */
export const MAX_WAIT_MS = 20_000;

/** The answer to one whose time is up is late by at most this: milliseconds. One timer for all, as an object has 10,000. */
const TICK_MS = 100;

export const MAX_WAITERS = 10_000;

/** The answer to one who cannot wait here, because MAX_WAITERS do. */
export const FULL = -1;

interface Waiter {
  after: number;
  /** When its time is up: milliseconds since 1970. */
  until: number;
  answer: (end: number) => void;
}

/** Those who wait for the log to grow. It knows the end of the log from rings, and from slow looks should one be lost. */
export class Waiters {
  readonly #readEnd: () => Promise<number>;
  readonly #waiting = new Set<Waiter>();
  readonly #rounds = new Paced(ROUND_MS, () => this.#wakeBehind());
  readonly #looks = new Paced(LOOK_MS, () => void this.#look());
  readonly #ticks = new Paced(TICK_MS, () => this.#answerLate());
  #end = 0;
  /** The highest end that was rung since the last look began. */
  #rung = 0;

  /** `readEnd`: the number of the newest entry in the database. */
  constructor(readEnd: () => Promise<number>) {
    this.#readEnd = readEnd;
  }

  /** The log has come to this entry. */
  ring(end: number): void {
    this.#rung = Math.max(this.#rung, end);
    this.#rise(end);
  }

  /** Resolves with the end of the log: in the next round once it is above `after`, or when the time is up. FULL: at once. */
  async wait(after: number, ms: number): Promise<number> {
    if (this.#waiting.size >= MAX_WAITERS) return FULL;
    const { promise, resolve } = Promise.withResolvers<number>();
    this.#waiting.add({ after, until: Date.now() + Math.min(ms, MAX_WAIT_MS), answer: resolve });
    if (after < this.#end) this.#rounds.request();
    this.#looks.request();
    this.#ticks.request();
    return promise;
  }

  #rise(end: number): void {
    if (end <= this.#end) return;
    this.#end = end;
    if (this.#waiting.size > 0) this.#rounds.request();
  }

  #wakeBehind(): void {
    const woken = this.#answer(({ after }) => after < this.#end);
    this.#rounds.pause(woken * ROUND_MS_PER_WAITER);
  }

  #answerLate(): void {
    const now = Date.now();
    this.#answer(({ until }) => until <= now);
    if (this.#waiting.size > 0) this.#ticks.request();
  }

  /** Answers some of those who wait; returns how many. When nobody waits any more, no timer is left. */
  #answer(isMeant: (waiter: Waiter) => boolean): number {
    const meant = [...this.#waiting].filter(isMeant);
    for (const waiter of meant) {
      this.#waiting.delete(waiter);
      waiter.answer(this.#end);
    }
    if (this.#waiting.size === 0) for (const paced of [this.#looks, this.#ticks, this.#rounds]) paced.cancel();
    return meant.length;
  }

  /** A database that was restored ends earlier than what was rung before: then the look is right, and later rings. */
  async #look(): Promise<void> {
    this.#looks.request();
    this.#rung = 0;
    try {
      const looked = await withDeadline(this.#readEnd(), LOOK_DEADLINE_MS, "The database did not answer in time.");
      const end = Math.max(looked, this.#rung);
      if (end < this.#end) this.#end = end;
      this.#rise(end);
    } catch (error) {
      console.warn(JSON.stringify({ level: "warn", event: "feed_look_failed", error: String(error) }));
    }
  }
}
