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

const EVENTS = Number(env.CHAOS_EVENTS);
const SEED = Number(env.CHAOS_SEED);
const TIMEOUT_MS = 3_600_000;
const CONSUMERS = 10;
/** Bytes that the consumers, all in one isolate, may hold. */
const MOST = 64_000_000;
/** Simulated seconds of the whole sending, and of a delivery. */
const SENDING_SECONDS = 1_000;
const DELIVERY_SECONDS = 0.5;
/** Events of a request, on average. */
const PER_REQUEST = 40;
/** Part of all requests after which messages are delivered, and before which a message that nobody can read is sent. */
const DELIVERIES = 0.3;
const UNREADABLE = 0.05;
/** Part of all puts that R2 refuses. */
const REFUSED_PUTS = 0.2;
const MINUTE = 60;

interface World {
  changed: Partial<Env>;
  isolate: CloudDatabase & { memory: Memory };
  queue: FaultyQueue;
  deadLetters: FaultyQueue;
  clock: Clock;
  random: Random;
  check: CompletenessCheck;
}

/** Sends everything, then lets time pass until nothing waits any more. Returns the number of unreadable messages. */
async function run({ changed, isolate, queue, deadLetters, clock, random, check }: World): Promise<number> {
  const invoked = () => ({ env: bindings(changed, isolate), memory: isolate.memory });
  const deliver = async () => {
    clock.advance(DELIVERY_SECONDS);
    await queue.deliver(invoked, clock);
    await deadLetters.deliver(invoked, clock);
    await check.check();
  };
  let unreadable = 0;
  for (const body of bodies(EVENTS, random)) {
    if (random.next() < UNREADABLE) queue.add([`unreadable ${unreadable++}`], clock.now);
    while (!(await isTaken(body, changed, isolate))) await deliver();
    check.answered(body.split("\n").map((line) => JSON.parse(line).message));
    clock.advance((SENDING_SECONDS * PER_REQUEST) / EVENTS);
    if (random.next() < DELIVERIES) await deliver();
  }
  for (;;) {
    // What a run of the job cannot do is left to the next one.
    await runMinute(changed, isolate).catch(() => undefined);
    await check.check();
    const isEmpty = queue.size + deadLetters.size === 0;
    if (isEmpty && (await keysBelow()).length === 0 && check.last === undefined) return unreadable;
    clock.advance(isEmpty ? MINUTE : Math.max(0, Math.min(queue.nextAt, deadLetters.nextAt) - clock.now));
    while (Math.min(queue.nextAt, deadLetters.nextAt) <= clock.now) await deliver();
  }
}

const count = (sql: string) => env.DB.prepare(`SELECT ${sql}`).first<number>("n");

it(`of ${EVENTS} events none is lost, twice or dead, whatever fails`, { timeout: TIMEOUT_MS }, async () => {
  const quiet = (["log", "warn", "error"] as const).map((level) => vi.spyOn(console, level).mockReturnValue());
  const random = new Random(SEED);
  vi.spyOn(Math, "random").mockImplementation(() => random.next());
  vi.spyOn(scheduler, "wait").mockResolvedValue();
  const clock = new Clock();
  const deadLetters = new FaultyQueue(DEAD_LETTER_QUEUE_NAME, random, clock, 1);
  const queue = new FaultyQueue(INGEST_QUEUE_NAME, random, clock, CONSUMERS, deadLetters);
  const { faults, counts } = databaseFaults(clock);
  const memory = new Memory();
  const changed: Partial<Env> = {
    SPILL: cloudBucket(env.SPILL, { memory, refuses: (call) => call === "put" && random.next() < REFUSED_PUTS }),
    INGEST_QUEUE: queue.binding,
    INGEST_DEAD_LETTERS: deadLetters.binding,
    PRODUCER_CACHE_SECONDS: "30",
  };
  const check = new CompletenessCheck();
  let unreadable = 0;
  try {
    unreadable = await run({ changed, isolate: { memory, ...faults }, queue, deadLetters, clock, random, check });
  } finally {
    for (const spy of quiet) spy.mockRestore();
  }
  const some = Number(await count("count(DISTINCT message) AS n FROM events"));
  const every = Number(await count("count(*) AS n FROM events"));
  const dead = Number(await count("count(*) AS n FROM dead_letters WHERE reason <> 'unreadable'"));
  const errors = Object.fromEntries(counts);
  const peak = Number((memory.peak / 1e6).toFixed(1));
  console.log(
    `faults: ${JSON.stringify({ errors, queue: queue.counts, unreadable, advances: check.advances, seconds: Math.round(clock.now) })}`,
  );
  console.log(
    `chaos: sent ${EVENTS}, stored ${some}, held ${peak} MB, dead ${dead}, lost ${EVENTS - some}, twice ${every - some}; watermark wrong ${check.wrong}`,
  );
  expect([some, every, dead, check.wrong]).toEqual([EVENTS, EVENTS, 0, 0]);
  expect(check.advances).toBeGreaterThan(0);
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
