/** A reproducible source of choices: the same seed gives the same ones (a linear congruential generator). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 to 1, without 1. */
  next(): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#state / 2 ** 32;
  }

  /** From 0 to `below` - 1. */
  int(below: number): number {
    return Math.floor(this.next() * below);
  }

  /** True one time in `n`. */
  oneIn(n: number): boolean {
    return this.int(n) === 0;
  }

  pick<T>(from: readonly T[]): T {
    const chosen = from[this.int(from.length)];
    if (chosen === undefined) throw new Error("There is nothing to choose from.");
    return chosen;
  }

  /** 32 hex digits. */
  hex(): string {
    const parts = Array.from({ length: 4 }, () => this.int(2 ** 32));
    return parts.map((part) => part.toString(16).padStart(8, "0")).join("");
  }

  /** The items in another order. */
  shuffled<T>(items: readonly T[]): T[] {
    const numbered = items.map((item) => ({ item, place: this.next() }));
    return numbered.sort((a, b) => a.place - b.place).map(({ item }) => item);
  }
}
