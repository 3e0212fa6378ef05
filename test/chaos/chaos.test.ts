import { env } from "cloudflare:workers";
import { expect, it, vi } from "vitest";
import type { Env } from "../../src/env.ts";
import { DEAD_LETTER_QUEUE_NAME, INGEST_QUEUE_NAME } from "../../src/ingest/queue/names.ts";
import { Clock } from "../cloud/clock.ts";
import type { CloudDatabase } from "../cloud/d1.ts";
import { DOCUMENTED_ERRORS, FULL_ERRORS, STATEMENT_ERRORS, UNKNOWN_ERRORS } from "../cloud/d1-errors.ts";
import { FaultyQueue } from "../cloud/faulty-queue.ts";
import { Memory } from "../cloud/memory.ts";
import { cloudBucket } from "../cloud/r2.ts";
import { CompletenessCheck } from "../support/completeness.ts";
import { aPerson } from "../support/people.ts";
import { Random } from "../support/random.ts";
import { keysBelow } from "../support/storage.ts";
import { bindings, get, runMinute } from "../support/world.ts";
import { databaseFaults } from "./faults.ts";
import { bodies, isTaken } from "./producer.ts";
import { numberOf } from "./reader.ts";
import { Readers } from "./readers.ts";

const EVENTS = Number(env.CHAOS_EVENTS);
const SEED = Number(env.CHAOS_SEED);
const TIMEOUT_MS = 3_600_000;
const CONSUMERS = 10;
/** Bytes that the consumers, all in one isolate, may hold. */
const MOST = 64_000_000;
/** Producers that send at once; fewer while all is well, so that more deliveries come. */
const PRODUCERS = 8;
const CALM_PRODUCERS = 3;
/** Simulated seconds of the whole sending, and of a delivery; while all is well, those of a request. */
const SENDING_SECONDS = 1_000;
const DELIVERY_SECONDS = 0.5;
const CALM_SECONDS = 0.5;
/** Events of a request, on average. */
const PER_REQUEST = 40;
/** Part of all rounds of requests after which messages are delivered, and before which a message that nobody can read is sent. */
const DELIVERIES = 0.6;
const UNREADABLE = 0.3;
/** Part of all puts that R2 refuses. */
const REFUSED_PUTS = 0.2;
/** Part of all events that are sent when nothing fails any more, so that the watermark advances. */
const CALM = 1 / 3;
const MINUTE = 60;

interface World {
  changed: Partial<Env>;
  isolate: CloudDatabase & { memory: Memory };
  queue: FaultyQueue;
  deadLetters: FaultyQueue;
  clock: Clock;
  random: Random;
  check: CompletenessCheck;
  readers: Readers;
  /** Nothing fails from now on. */
  calm: () => void;
}

/** Everything that happens; first everything fails, and in the end nothing but that messages come more than once. */
class Run {
  readonly #world: World;
  #unreadable = 0;
  #cronAt = 0;
  #isCalm = false;

  constructor(world: World) {
    this.#world = world;
  }

  /** Returns the number of messages that nobody can read. */
  async play(): Promise<number> {
    const { random, calm } = this.#world;
    const all = bodies(EVENTS, random);
    await this.#send(all, EVENTS * (1 - CALM));
    await this.#drain();
    calm();
    this.#isCalm = true;
    await this.#send(all, Number.POSITIVE_INFINITY);
    await this.#drain();
    return this.#unreadable;
  }

  /** Sends so many events, each at least once, by several producers at once. */
  async #send(all: Generator<string>, events: number): Promise<void> {
    const { queue, clock, random } = this.#world;
    for (let sent = 0; sent < events; ) {
      if (!this.#isCalm && random.next() < UNREADABLE) queue.add([`unreadable ${this.#unreadable++}`], clock.now);
      const some = nextOf(all, 1 + random.int(this.#isCalm ? CALM_PRODUCERS : PRODUCERS));
      if (some.length === 0) return;
      for (let left = some; left.length > 0; left = await this.#refused(left)) if (left !== some) await this.#deliver();
      sent += some.reduce((sum, body) => sum + body.split("\n").length, 0);
      clock.advance(some.length * (this.#isCalm ? CALM_SECONDS : (SENDING_SECONDS * PER_REQUEST) / EVENTS));
      if (this.#isCalm || random.next() < DELIVERIES) await this.#deliver();
      if (clock.now >= this.#cronAt) await this.#runMinute();
    }
  }

  /** Sends bodies at once; returns those that were not answered with 202. */
  async #refused(all: readonly string[]): Promise<string[]> {
    const { changed, isolate, check, readers } = this.#world;
    const sendOne = async (body: string) => {
      if (!(await isTaken(body, changed, isolate))) return [body];
      const messages: string[] = body.split("\n").map((line) => JSON.parse(line).message);
      check.answered(messages);
      readers.answered(messages.map(numberOf));
      return [];
    };
    return (await Promise.all(all.map(sendOne))).flat();
  }

  async #deliver(): Promise<void> {
    const { changed, isolate, queue, deadLetters, clock, random, check, readers } = this.#world;
    const invoked = () => ({ env: bindings(changed, isolate), memory: isolate.memory });
    clock.advance(DELIVERY_SECONDS);
    const consumed = queue.deliver(invoked, clock).then(() => deadLetters.deliver(invoked, clock));
    await Promise.all([consumed, readers.step(random)]);
    await check.check();
  }

  /** What a run of the job cannot do is left to the next one. */
  async #runMinute(): Promise<void> {
    const { changed, isolate, clock, check } = this.#world;
    this.#cronAt = clock.now + MINUTE;
    await runMinute(changed, isolate).catch(() => undefined);
    await check.check();
  }

  /** Lets time pass until nothing waits any more. */
  async #drain(): Promise<void> {
    const { queue, deadLetters, clock, check } = this.#world;
    const next = () => Math.min(queue.nextAt, deadLetters.nextAt);
    for (;;) {
      await this.#runMinute();
      const isEmpty = queue.size + deadLetters.size === 0;
      if (isEmpty && (await keysBelow()).length === 0 && check.last === undefined) return;
      clock.advance(isEmpty ? MINUTE : Math.max(0, next() - clock.now));
      while (next() <= clock.now) await this.#deliver();
    }
  }
}

/** The next items, at most so many, which leaves the others. */
const nextOf = <T>(items: Iterator<T>, most: number): T[] =>
  Array.from({ length: most }, () => items.next()).flatMap(({ done, value }) => (done ? [] : [value]));

const count = (sql: string) => env.DB.prepare(`SELECT ${sql}`).first<number>("n");

it(`of ${EVENTS} events none is lost, twice or dead, whatever fails`, { timeout: TIMEOUT_MS }, async () => {
  const quiet = (["log", "warn", "error"] as const).map((level) => vi.spyOn(console, level).mockReturnValue());
  const random = new Random(SEED);
  vi.spyOn(Math, "random").mockImplementation(() => random.next());
  vi.spyOn(scheduler, "wait").mockResolvedValue();
  const clock = new Clock();
  const deadLetters = new FaultyQueue(DEAD_LETTER_QUEUE_NAME, random, clock, 1);
  const queue = new FaultyQueue(INGEST_QUEUE_NAME, random, clock, CONSUMERS, deadLetters);
  let isCalm = false;
  const { faults, counts } = databaseFaults(clock, () => isCalm);
  const memory = new Memory();
  const changed: Partial<Env> = {
    SPILL: cloudBucket(env.SPILL, {
      memory,
      refuses: (call) => !isCalm && call === "put" && random.next() < REFUSED_PUTS,
    }),
    INGEST_QUEUE: queue.binding,
    INGEST_DEAD_LETTERS: deadLetters.binding,
    PRODUCER_CACHE_SECONDS: "30",
  };
  const check = new CompletenessCheck();
  const readers = await Readers.begin({ changed, faults, clock, random });
  const calm = () => {
    isCalm = true;
    advancesBefore = check.advances;
    for (const { faults: own } of [queue, deadLetters]) Object.assign(own, { refused: 0, lostAnswers: 0, stalled: 0 });
  };
  let [unreadable, advancesBefore] = [0, 0];
  const isolate = { memory, ...faults };
  try {
    const world = { changed, isolate, queue, deadLetters, clock, random, check, readers, calm };
    unreadable = await new Run(world).play();
    await readers.finish(check.stored);
  } finally {
    for (const spy of quiet) spy.mockRestore();
  }
  const some = Number(await count("count(DISTINCT message) AS n FROM events"));
  const every = Number(await count("count(*) AS n FROM events"));
  const dead = Number(await count("count(*) AS n FROM dead_letters WHERE reason <> 'unreadable'"));
  const errors = Object.fromEntries(counts);
  const peak = Number((memory.peak / 1e6).toFixed(1));
  console.log(
    `faults: ${JSON.stringify({ errors, queue: queue.counts, unreadable, advances: check.advances, readers: readers.counts, seconds: Math.round(clock.now) })}`,
  );
  const { delivered, lost, reordered, wrong } = readers.result;
  console.log(
    `chaos: sent ${EVENTS}, stored ${some}, held ${peak} MB, dead ${dead}, lost ${EVENTS - some}, twice ${every - some}; feed: delivered ${delivered}, lost ${lost}, reordered ${reordered}; watermark wrong ${check.wrong + wrong}`,
  );
  expect([some, every, dead, check.wrong]).toEqual([EVENTS, EVENTS, 0, 0]);
  expect([lost, reordered, wrong]).toEqual([0, 0, 0]);
  expect(delivered).toBeGreaterThan(2 * EVENTS);
  const { killed, repeated, failed, checked } = readers.counts;
  for (const happened of [killed, repeated, failed, checked]) expect(happened).toBeGreaterThan(0);
  expect(check.advances - advancesBefore).toBeGreaterThan(3);
  expect(memory.peak).toBeLessThan(MOST);
  expect(await count("count(*) AS n FROM dead_letters")).toBe(unreadable);
  expect([...counts.keys()].toSorted()).toEqual(
    [...DOCUMENTED_ERRORS, ...UNKNOWN_ERRORS, ...FULL_ERRORS, ...STATEMENT_ERRORS].toSorted(),
  );
  const { refused, stalled, redelivered, atOnce } = queue.counts;
  for (const happened of [refused, stalled, redelivered, unreadable]) expect(happened).toBeGreaterThan(0);
  expect(atOnce).toBeGreaterThan(1);
  expect(await count("count(*) AS n FROM event_scopes")).toBe(EVENTS);
  expect(await count("sum(stored) AS n FROM ingest_days")).toBe(EVENTS);
  expect(await (await get("/api/events/count/", (await aPerson({ staff: true })).token)).json()).toEqual({
    count: EVENTS,
  });
});
