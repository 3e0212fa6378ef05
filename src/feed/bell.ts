import { DurableObject } from "cloudflare:workers";
import type { Env } from "../env.ts";
import { readEnd } from "../events/log/end.ts";
import { Waiters } from "./waiters.ts";

/**
 * The object that consumers ring after a commit, and at which readers wait for the next one: one for all, by the name of
 * src/feed/ring.ts. It stores nothing and no event passes through it; when it is lost, its readers look at the log themselves.
 */
export class Bell extends DurableObject<Pick<Env, "DB">> {
  readonly #waiters = new Waiters(() => readEnd(this.env.DB));

  /** The log has come to the entry of this number. Throws a RangeError for what is no number of an entry. */
  ring(end: number): void {
    this.#waiters.ring(checked(end));
  }

  /**
   * Resolves with the number of the newest entry, as soon as that is above `after`, or after so many milliseconds, at most
   * 20,000; with -1 at once when 10,000 others wait. Throws a RangeError for other arguments than whole numbers from 0 on.
   */
  wait(after: number, ms: number): Promise<number> {
    return this.#waiters.wait(checked(after), checked(ms));
  }
}

function checked(value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError("Expected a whole number from 0 on.");
  return value;
}
