/** Runs a function when it is asked for, but not twice in a time: what is asked for within it is run at its end, once. */
export class Paced {
  readonly #everyMs: number;
  readonly #run: () => void;
  #ranAt = Number.NEGATIVE_INFINITY;
  #pauseMs: number;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `everyMs`: the least time from one run to the next. */
  constructor(everyMs: number, run: () => void) {
    this.#everyMs = everyMs;
    this.#run = run;
    this.#pauseMs = everyMs;
  }

  request(): void {
    if (this.#timer !== undefined) return;
    const sinceRun = Math.max(0, Date.now() - this.#ranAt);
    this.#timer = setTimeout(() => this.#fire(), Math.max(0, this.#pauseMs - sinceRun));
  }

  /** Takes back what was asked for and has not run. */
  cancel(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Called by the function: the time to its next run, should that be more than usual. Milliseconds. */
  pause(ms: number): void {
    this.#pauseMs = Math.max(this.#everyMs, ms);
  }

  #fire(): void {
    this.#timer = undefined;
    this.#ranAt = Date.now();
    this.#pauseMs = this.#everyMs;
    this.#run();
  }
}
