/**
 * The memory of an isolate. Documented (https://developers.cloudflare.com/workers/platform/limits/): 128 MB, shared by all
 * invocations that run in the isolate at the same time.
 *
 * Assumed: what counts is what is held at one time, as V8 holds it: a text takes one byte a character, or two when one of
 * its characters is beyond Latin-1. Counted are the bodies of messages until their delivery ends, as many bytes again for
 * what is parsed of a message until it is settled, the parameters of statements until their call has returned, the call
 * itself as JSON and as UTF-8, results until the next call, and what is read from R2 until it is deleted or the invocation
 * ends. Not counted: what is garbage at once, and the code.
 */
export class Memory {
  readonly #limit: number;
  #held = 0;
  #peak = 0;

  constructor(limit = 128_000_000) {
    this.#limit = limit;
  }

  /** Bytes. */
  get held(): number {
    return this.#held;
  }

  /** The most bytes that were ever held. */
  get peak(): number {
    return this.#peak;
  }

  /** Takes bytes; returns what gives them back, once. Throws beyond the limit, where the platform ends the isolate. */
  hold(bytes: number): () => void {
    this.#held += bytes;
    this.#peak = Math.max(this.#peak, this.#held);
    let isHeld = true;
    const release = () => {
      if (isHeld) this.#held -= bytes;
      isHeld = false;
    };
    if (this.#held <= this.#limit) return release;
    release();
    throw new Error("Worker exceeded memory limit.");
  }
}

/** Bytes of a text in memory. */
export const sizeOf = (text: string): number => (/[\u0100-\uffff]/.test(text) ? 2 * text.length : text.length);
