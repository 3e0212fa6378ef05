import { withDeadline } from "../values/deadline.ts";

/** A delivery waits no longer for its hook, milliseconds. It is done by then, so nothing is written twice for that. */
const HOOK_DEADLINE_MS = 1_000;

/**
 * Tells others of commits while a delivery goes on writing: one call at a time, and of the commits during a call the next
 * call tells the newest, as it stands for all before. A call that fails or hangs changes nothing for the delivery.
 */
export class CommitHook {
  readonly #onCommit: (end: number) => Promise<void>;
  #end = 0;
  #telling: Promise<void> | undefined;

  constructor(onCommit: (end: number) => Promise<void>) {
    this.#onCommit = onCommit;
  }

  /** Returns at once. `end`: the number of the newest entry of the log that a transaction wrote, 0 for none. */
  tell(end: number): void {
    if (end <= this.#end) return;
    this.#end = end;
    this.#telling ??= this.#tellAll();
  }

  /** Resolves when all is told, or after a second. */
  async done(): Promise<void> {
    if (this.#telling === undefined) return;
    const late = "The hook did not end in time.";
    await withDeadline(this.#telling, HOOK_DEADLINE_MS, late).catch((error) => warn(error));
  }

  async #tellAll(): Promise<void> {
    for (let told = 0; told < this.#end; ) {
      told = this.#end;
      await this.#tellOne(told);
    }
    this.#telling = undefined;
  }

  async #tellOne(end: number): Promise<void> {
    try {
      await this.#onCommit(end);
    } catch (error) {
      warn(error);
    }
  }
}

const warn = (error: unknown): void =>
  console.warn(JSON.stringify({ level: "warn", event: "commit_not_told", error: String(error) }));
