import { type Limits, REQUEST_MS } from "./limits.ts";
import { SliceOver } from "./problems.ts";

/** What a slice has used. Throws SliceOver before something that would exceed its limits. */
export class Budget {
  requests = 0;
  bytes = 0;
  readonly #limits: Limits;
  readonly #begun: number;
  readonly #now: () => number;

  /** `now` in milliseconds. */
  constructor(limits: Limits, now: () => number) {
    this.#limits = limits;
    this.#now = now;
    this.#begun = now();
  }

  get isSpent(): boolean {
    const { requests, bytes, wallMs } = this.#limits;
    return this.requests >= requests || this.bytes >= bytes || this.#now() - this.#begun >= wallMs;
  }

  /** Milliseconds for the next request, which it counts. */
  spendRequest(): number {
    if (this.isSpent) throw new SliceOver();
    this.requests += 1;
    return REQUEST_MS;
  }
}
