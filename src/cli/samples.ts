import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { eventsInLog } from "../events/counters/rebuild.ts";
import { type Api, pushEvents } from "./api.ts";
import { batches } from "./batches.ts";
import { query } from "./d1.ts";
import { Failure } from "./failure.ts";
import { paths } from "./paths.ts";
import { startNode } from "./processes.ts";
import type { Target } from "./target.ts";

const SEED = 1;
/** The most events that are sent and not stored yet. The local queue keeps them in memory. */
const MAX_WAITING = 10_000;
const POLL_INTERVAL_MS = 200;
const PROGRESS_INTERVAL_MS = 5_000;
/** The longest time without a newly stored event. */
const STALL_TIMEOUT_MS = 60_000;

/** The number of stored events. It comes from the database, because a server with AUTH=waldur knows no local token. */
export async function countStored(target: Target): Promise<number> {
  const [row] = await query(target, eventsInLog);
  return Number(row?.events);
}

/** Sends sample events to the webhook of a server with an empty database. Returns when all of them are stored. */
export async function loadSamples(api: Api, target: Target, total: number): Promise<void> {
  const progress = new Progress(target, total);
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

/** Counts the stored events, prints the progress, and fails when nothing arrives. */
class Progress {
  readonly #target: Target;
  readonly #total: number;
  #stored = 0;
  #advancedAt = Date.now();
  #printedAt = Date.now();

  constructor(target: Target, total: number) {
    this.#target = target;
    this.#total = total;
  }

  /** Waits until `count` events are stored. */
  async reach(count: number): Promise<void> {
    while (this.#stored < count) {
      await this.#update();
      if (this.#stored < count) await sleep(POLL_INTERVAL_MS);
    }
  }

  async #update(): Promise<void> {
    const stored = await countStored(this.#target);
    const now = Date.now();
    if (stored > this.#stored) this.#advancedAt = now;
    this.#stored = stored;
    if (now - this.#advancedAt > STALL_TIMEOUT_MS) {
      const seconds = STALL_TIMEOUT_MS / 1000;
      throw new Failure(
        `${stored} of ${this.#total} sample events are in the database, and none arrived in the last ${seconds} s.`,
      );
    }
    if (now - this.#printedAt < PROGRESS_INTERVAL_MS) return;
    this.#printedAt = now;
    console.log(`  ${stored.toLocaleString("en")} of ${this.#total.toLocaleString("en")}`);
  }
}
