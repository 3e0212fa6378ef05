import type { Env } from "../../src/env.ts";
import worker from "../../src/worker.ts";
import { aBatch } from "../support/batch.ts";
import { asQueue } from "../support/queue.ts";
import type { Random } from "../support/random.ts";
import type { Clock } from "./clock.ts";
import type { Memory } from "./memory.ts";
import { heldBatch } from "./queue.ts";

/*
 * Documented: at least one delivery (https://developers.cloudflare.com/queues/reference/delivery-guarantees/), in an order
 * of best effort; up to 250 consumers at once; after max_retries a message goes to the dead letters; metrics count messages
 * that are not acknowledged (https://developers.cloudflare.com/queues/configuration/javascript-apis/). Assumed: the parts
 * below.
 */

/** As in wrangler.toml. */
const MAX_RETRIES = 100;
const MAX_BATCH = 25;
/** Parts of all sends: refused, taken though the answer is an error. */
const REFUSED_SENDS = 0.05;
const LOST_ANSWERS = 0.03;
/** Part of all sends that are never answered, and the seconds that pass until the sender no longer waits. */
const STALLED_SENDS = 0.05;
const STALL = 5;
/** Part of all messages that are delivered again after they were acknowledged, and how often. */
const REDELIVERED = 0.1;
const REDELIVERIES = 3;
/** Part of all messages that are delivered to two consumers at the same time. */
const DELIVERED_TWICE = 0.02;

/** The parts of what may go wrong; `hidesRetries`: the metrics leave out messages that wait for a retry, as local ones do. */
export interface QueueFaults {
  refused?: number;
  lostAnswers?: number;
  stalled?: number;
  redelivered?: number;
  hidesRetries?: boolean;
}

interface Waiting {
  body: string;
  sentAt: Date;
  attempts: number;
  dueAt: number;
  again: number;
}

const FAULTS: Required<QueueFaults> = {
  refused: REFUSED_SENDS,
  lostAnswers: LOST_ANSWERS,
  stalled: STALLED_SENDS,
  redelivered: REDELIVERED,
  hidesRetries: false,
};

/** A queue in simulated time that does all a queue may do: refuse, stall, reorder, and deliver more than once. */
export class FaultyQueue {
  readonly binding: Queue<string>;
  readonly counts = { refused: 0, stalled: 0, redelivered: 0, retried: 0, batches: 0, atOnce: 0, gaveUp: 0 };
  readonly #name: string;
  readonly #random: Random;
  readonly #consumers: number;
  readonly #deadLetters: FaultyQueue | undefined;
  readonly #clock: Clock;
  /** What may go wrong from now on. */
  readonly faults: Required<QueueFaults>;
  #waiting: Waiting[] = [];

  constructor(
    name: string,
    random: Random,
    clock: Clock,
    consumers: number,
    deadLetters?: FaultyQueue,
    faults: QueueFaults = {},
  ) {
    this.#clock = clock;
    this.faults = { ...FAULTS, ...faults };
    this.#name = name;
    this.#consumers = consumers;
    this.#random = random;
    this.#deadLetters = deadLetters;
    const take = async (bodies: readonly string[]) => {
      const { refused, lostAnswers, stalled } = this.faults;
      const luck = this.#random.next();
      if (luck >= 1 - stalled) {
        this.counts.stalled += 1;
        queueMicrotask(() => clock.advance(STALL));
        return new Promise(() => {});
      }
      if (luck >= refused) this.add(bodies, clock.now);
      if (luck < refused + lostAnswers) {
        this.counts.refused += 1;
        throw new Error("Too Many Requests");
      }
    };
    this.binding = asQueue({
      send: (body: string) => take([body]),
      sendBatch: (messages: Iterable<{ body: string }>) => take([...messages].map(({ body }) => body)),
      metrics: async () => this.#metrics(),
    });
  }

  get size(): number {
    return this.#waiting.length;
  }

  /** When the next message is due. */
  get nextAt(): number {
    return this.#waiting.reduce((first, { dueAt }) => Math.min(first, dueAt), Number.POSITIVE_INFINITY);
  }

  add(bodies: readonly string[], dueAt: number): void {
    for (const body of bodies) this.#waiting.push({ body, sentAt: new Date(), attempts: 1, dueAt, again: 0 });
  }

  #metrics(): MessageBatchMetrics {
    const isHidden = ({ dueAt }: Waiting) => this.faults.hidesRetries && dueAt > this.#clock.now;
    const seen = this.#waiting.filter((message) => !isHidden(message));
    const oldest = seen.reduce((first, { sentAt }) => Math.min(first, sentAt.getTime()), Number.POSITIVE_INFINITY);
    const counts = { backlogCount: seen.length, backlogBytes: 0 };
    return seen.length === 0 ? counts : { ...counts, oldestMessageTimestamp: new Date(oldest) };
  }

  /**
   * Delivers what is due to so many consumers at once, out of order: to each one message, a full batch, or anything in
   * between. Some messages are delivered to two of them.
   */
  async deliver(isolate: () => { env: Env; memory: Memory }, clock: Clock): Promise<void> {
    const due = this.#random.shuffled(this.#waiting.filter(({ dueAt }) => dueAt <= clock.now));
    const batches: Waiting[][] = [];
    while (due.length > 0 && batches.length < this.#consumers) {
      const luck = this.#random.next();
      const size = luck < 0.3 ? 1 : luck < 0.6 ? MAX_BATCH : 1 + this.#random.int(MAX_BATCH);
      const chosen = due.splice(0, size);
      batches.push(chosen);
      due.push(...chosen.filter(() => this.#random.next() < DELIVERED_TWICE).slice(0, 1));
    }
    this.counts.atOnce = Math.max(this.counts.atOnce, batches.length);
    await Promise.all(batches.map((chosen) => this.#consume(chosen, isolate(), clock)));
  }

  async #consume(chosen: readonly Waiting[], { env, memory }: { env: Env; memory: Memory }, clock: Clock) {
    this.counts.batches += 1;
    const given = chosen.map(({ body, attempts, sentAt }) => ({ body, attempts, timestamp: sentAt }));
    const { batch, outcomes } = aBatch(this.#name, given, this.#metrics());
    const { held, end } = heldBatch(batch, memory);
    await worker.queue(held, env);
    end();
    const gone = new Set<Waiting>();
    for (const [index, message] of chosen.entries()) {
      const outcome = outcomes[index];
      if (outcome === undefined) throw new Error("A message was neither acknowledged nor retried.");
      if (outcome !== "acked") this.#retry(message, clock.now + outcome.retriedAfter, gone);
      else if (message.again < REDELIVERIES && (message.again > 0 || this.#random.next() < this.faults.redelivered)) {
        this.counts.redelivered += 1;
        Object.assign(message, { again: message.again + 1, attempts: message.attempts + 1 });
      } else gone.add(message);
    }
    this.#waiting = this.#waiting.filter((message) => !gone.has(message));
  }

  #retry(message: Waiting, dueAt: number, gone: Set<Waiting>): void {
    this.counts.retried += 1;
    Object.assign(message, { attempts: message.attempts + 1, dueAt });
    if (message.attempts <= MAX_RETRIES + 1) return;
    gone.add(message);
    this.counts.gaveUp += 1;
    this.#deadLetters?.add([message.body], dueAt);
  }
}
