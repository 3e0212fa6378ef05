import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { type Api, countEvents, pushEvents } from "./api.ts";
import { batches } from "./batches.ts";
import { Failure } from "./failure.ts";
import { paths } from "./paths.ts";
import { startNode } from "./processes.ts";

const SEED = 1;
/** The most events that are sent and cannot be read yet. The local queue keeps them in memory. */
const MAX_WAITING = 10_000;
const POLL_INTERVAL_MS = 200;
const PROGRESS_INTERVAL_MS = 5_000;
/** The longest time without a new readable event. */
const STALL_TIMEOUT_MS = 60_000;

/** Sends sample events to the webhook of a server with an empty database. Returns when all of them can be read. */
export async function loadSamples(api: Api, total: number): Promise<void> {
  const progress = new Progress(api, total);
  let pushed = 0;
  for await (const { size, body } of batches(generate(total))) {
    await pushEvents(api, body);
    pushed += size;
    await progress.reach(pushed - MAX_WAITING);
  }
  await progress.reach(total);
}

async function* generate(count: number): AsyncGenerator<string> {
  const args = [paths.sampleEvents, "--count", String(count), "--seed", String(SEED)];
  const child = startNode(args, { cwd: paths.root, env: process.env });
  const ended = new Promise((resolve) => child.on("close", resolve));
  child.stderr?.pipe(process.stderr);
  if (child.stdout) yield* createInterface({ input: child.stdout });
  if ((await ended) !== 0) throw new Failure("The generator of sample events failed. Its error is above.");
}

/** Counts the events that can be read, prints the progress, and fails when nothing arrives. */
class Progress {
  readonly #api: Api;
  readonly #total: number;
  #readable = 0;
  #advancedAt = Date.now();
  #printedAt = Date.now();

  constructor(api: Api, total: number) {
    this.#api = api;
    this.#total = total;
  }

  /** Waits until `count` events can be read. */
  async reach(count: number): Promise<void> {
    while (this.#readable < count) {
      await this.#update();
      if (this.#readable < count) await sleep(POLL_INTERVAL_MS);
    }
  }

  async #update(): Promise<void> {
    const readable = await countEvents(this.#api);
    const now = Date.now();
    if (readable > this.#readable) this.#advancedAt = now;
    this.#readable = readable;
    if (now - this.#advancedAt > STALL_TIMEOUT_MS) {
      const seconds = STALL_TIMEOUT_MS / 1000;
      throw new Failure(
        `${readable} of ${this.#total} sample events are in the database, and none arrived in the last ${seconds} s.`,
      );
    }
    if (now - this.#printedAt < PROGRESS_INTERVAL_MS) return;
    this.#printedAt = now;
    console.log(`  ${readable.toLocaleString("en")} of ${this.#total.toLocaleString("en")}`);
  }
}
