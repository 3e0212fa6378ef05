/**
 * The outgoing connections of an invocation. Documented (https://developers.cloudflare.com/workers/platform/limits/): 6 at
 * the same time; a further one waits until another is closed.
 *
 * Assumed: a call of the database or of R2 is a connection until it has returned, and one of a queue is none.
 */
export class Connections {
  readonly #most: number;
  readonly #waiting: (() => void)[] = [];
  #open = 0;
  #peak = 0;

  constructor(most = 6) {
    this.#most = most;
  }

  /** The most calls that ever ran or waited at one time. */
  get peak(): number {
    return this.#peak;
  }

  /** Runs a call when a connection is free. */
  async run<T>(call: () => Promise<T>): Promise<T> {
    this.#peak = Math.max(this.#peak, this.#open + this.#waiting.length + 1);
    if (this.#open >= this.#most) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#open += 1;
    try {
      return await call();
    } finally {
      this.#open -= 1;
      this.#waiting.shift()?.();
    }
  }
}
