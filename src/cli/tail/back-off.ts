/** The longest pause that the collector chooses itself, milliseconds. A server that asks for more gets it. */
export const MAX_PAUSE_MS = 60_000;

/** The pauses between requests that fail: exponential, with full jitter, so that collectors do not come back together. */
export class BackOff {
  readonly #baseMs: number;
  readonly #random: () => number;
  #failures = 0;

  /** `baseMs`: the longest first pause. `random` gives numbers from 0 to 1, without 1. */
  constructor(baseMs: number, random: () => number = Math.random) {
    this.#baseMs = baseMs;
    this.#random = random;
  }

  /** Milliseconds to wait after one more failure; not less than what the server has asked for. */
  next(askedMs = 0): number {
    const longest = Math.min(MAX_PAUSE_MS, this.#baseMs * 2 ** this.#failures);
    this.#failures += 1;
    return askedMs + this.#random() * longest;
  }

  /** The next failure is a first one. */
  reset(): void {
    this.#failures = 0;
  }
}
