import { createExecutionContext, createScheduledController, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, it, vi } from "vitest";
import type { Env } from "../../../src/env.ts";
import { DEAD_LETTER_QUEUE_NAME, INGEST_QUEUE_NAME } from "../../../src/ingest/queue/names.ts";
import worker from "../../../src/worker.ts";
import { Clock } from "../../cloud/clock.ts";
import { FaultyQueue, type QueueFaults } from "../../cloud/faulty-queue.ts";
import { Memory } from "../../cloud/memory.ts";
import { cloudBucket } from "../../cloud/r2.ts";
import { CompletenessCheck } from "../../support/completeness.ts";
import { hook } from "../../support/ingest.ts";
import { Random } from "../../support/random.ts";
import { bindings, ORIGIN } from "../../support/world.ts";

const MINUTE = 60;
const POISON =
  "CREATE TRIGGER poison BEFORE INSERT ON events WHEN NEW.message LIKE 'poison%' BEGIN SELECT RAISE(ABORT, 'no'); END";

/** Everything that happens to events, in simulated time, with two isolates that remember what they know of the mark. */
class World {
  readonly clock = new Clock();
  readonly check = new CompletenessCheck();
  /** Parts of all calls that fail. */
  readonly faults = { database: 0, puts: 0, poison: 0 };
  readonly queue: FaultyQueue;
  readonly deadLetters: FaultyQueue;
  readonly #random: Random;
  readonly #buckets: R2Bucket[];
  #sent = 0;
  #cronAt = 0;

  constructor(random: Random, queueFaults: QueueFaults) {
    this.#random = random;
    this.deadLetters = new FaultyQueue(DEAD_LETTER_QUEUE_NAME, random, this.clock, 1, undefined, queueFaults);
    this.queue = new FaultyQueue(INGEST_QUEUE_NAME, random, this.clock, 3, this.deadLetters, queueFaults);
    const refuses = (call: string) => call === "put" && random.next() < this.faults.puts;
    this.#buckets = [1, 2].map(() => cloudBucket(env.SPILL, { refuses }));
  }

  #isolate(): Env {
    const failsBefore = () => (this.#random.next() < this.faults.database ? "Network connection lost." : undefined);
    const changed = { INGEST_QUEUE: this.queue.binding, INGEST_DEAD_LETTERS: this.deadLetters.binding };
    return { ...bindings(changed, { failsBefore }), SPILL: this.#random.pick(this.#buckets) };
  }

  async accept(): Promise<void> {
    const size = this.#random.oneIn(20) ? 6 : 1 + this.#random.int(2);
    const kind = this.#random.next() < this.faults.poison ? "poison" : "event";
    const text = size === 6 ? "x".repeat(60_000) : "";
    const messages = Array.from({ length: size }, () => `${kind} ${this.#sent++}${text}`);
    const ctx = createExecutionContext();
    const headers = { Authorization: "Bearer waldur-secret", "Content-Type": "application/json" };
    const body = JSON.stringify(messages.map((message) => hook({ message })));
    const request = new Request(`${ORIGIN}/ingest/waldur`, { method: "POST", headers, body });
    const response = await worker.fetch(request as Parameters<typeof worker.fetch>[0], this.#isolate(), ctx);
    if (response.status === 202) this.check.answered(messages);
    await waitOnExecutionContext(ctx);
  }

  async deliver(): Promise<void> {
    const isolate = () => ({ env: this.#isolate(), memory: new Memory() });
    await Promise.all([this.queue.deliver(isolate, this.clock), this.deadLetters.deliver(isolate, this.clock)]);
  }

  /** The job of every minute, when it is time; now and then two of them at once. */
  async cron(): Promise<void> {
    if (this.clock.now < this.#cronAt) return;
    this.#cronAt = this.clock.now + MINUTE;
    const run = () => worker.scheduled(createScheduledController({ cron: "* * * * *" }), this.#isolate());
    await Promise.allSettled(this.#random.oneIn(5) ? [run(), run()] : [run()]);
  }

  /** What goes wrong from now on, in the queues, too. */
  suffer({ queues, ...faults }: World["faults"] & { queues: QueueFaults }): void {
    Object.assign(this.faults, faults);
    for (const { faults: own } of [this.queue, this.deadLetters]) Object.assign(own, queues);
  }

  /** Some of all this, at once, and then the check. */
  async step(longest: number): Promise<void> {
    const all = [() => this.accept(), () => this.accept(), () => this.deliver(), () => this.cron()];
    const some = this.#random.shuffled(all).slice(0, 1 + this.#random.int(all.length));
    await Promise.all(some.map((act) => act()));
    await this.check.check();
    this.clock.advance(this.#random.next() * longest);
  }
}

function aWorld(seed: number, queueFaults: QueueFaults): World {
  for (const level of ["log", "warn", "error"] as const) vi.spyOn(console, level).mockReturnValue();
  const random = new Random(seed);
  vi.spyOn(Math, "random").mockImplementation(() => random.next());
  vi.spyOn(scheduler, "wait").mockResolvedValue();
  return new World(random, queueFaults);
}

/** Requests and deliveries of a service in good order, for so many seconds. Returns the lag after each delivery. */
async function healthy(world: World, seconds: number): Promise<number[]> {
  const lags: number[] = [];
  const end = world.clock.now + seconds;
  while (world.clock.now < end) {
    for (const pause of [0.3, 0.4, 0.3]) {
      await world.accept();
      world.clock.advance(pause);
    }
    await world.deliver();
    await world.cron();
    await world.check.check();
    lags.push((Date.now() - world.check.through / 1_000) / 1_000);
  }
  return lags;
}

const GOOD = { database: 0, puts: 0, poison: 0, queues: { refused: 0, lostAnswers: 0, stalled: 0, redelivered: 0 } };
const QUEUES = { refused: 0.05, lostAnswers: 0.03, stalled: 0.03, redelivered: 0.1 };
const BAD = { database: 0.3, poison: 0.05, queues: QUEUES };
const WORLDS = [
  // Metrics as of a local queue, which miss what waits for a retry.
  { hidesRetries: true, puts: 0 },
  // Metrics as documented, and a bucket that refuses puts.
  { hidesRetries: false, puts: 0.2 },
];

it.each([1, 2, 3].flatMap((seed) => WORLDS.map((given) => ({ seed, ...given }))))(
  "the watermark is never wrong, whatever happens: %o",
  async ({ seed, hidesRetries, puts }) => {
    const world = aWorld(seed, { hidesRetries });
    await env.DB.exec(POISON);
    world.suffer(GOOD);
    await world.cron();
    for (let phase = 0; phase < 4; phase++) {
      for (let step = 0; step < 40; step++) await world.step(30);
      world.suffer({ ...BAD, puts });
      for (let step = 0; step < 25; step++) await world.step(3);
      world.suffer(GOOD);
    }
    expect(world.check.wrong).toBe(0);
    expect(world.check.advances).toBeGreaterThan(10);
  },
);

it("in a healthy service, the watermark is at most 5 seconds behind", async () => {
  const world = aWorld(7, { refused: 0, stalled: 0, lostAnswers: 0, redelivered: 0 });
  await world.cron();
  await healthy(world, 4 * MINUTE);
  const lags = (await healthy(world, 3 * MINUTE)).sort((a, b) => a - b);
  expect(lags[Math.floor(lags.length * 0.99)]).toBeLessThanOrEqual(5);
  expect(world.check.wrong).toBe(0);
});
