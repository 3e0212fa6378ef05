/** A reproducible source of choices (mulberry32: https://gist.github.com/tommyettinger/46a874533244883189143505d203312c). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** From 0 to `below` - 1. */
  int(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  }

  pick<T>(from: readonly T[]): T {
    const chosen = from[this.int(from.length)];
    if (chosen === undefined) throw new Error("Nothing to choose from.");
    return chosen;
  }

  /** True one time in `n`. */
  oneIn = (n: number): boolean => this.int(n) === 0;

  hex(): string {
    return Array.from({ length: 4 }, () =>
      this.int(2 ** 32)
        .toString(16)
        .padStart(8, "0"),
    ).join("");
  }
}
