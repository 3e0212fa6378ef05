import { env } from "cloudflare:workers";
import { expect, it, vi } from "vitest";
import type { Env } from "../../src/env.ts";
import { LOG_MARK_KEY } from "../../src/ingest/queue/keys.ts";
import { DEAD_LETTER_QUEUE_NAME, INGEST_QUEUE_NAME } from "../../src/ingest/queue/names.ts";
import { aPerson } from "../support/people.ts";
import { Random } from "../support/random.ts";
import { get, runMinute } from "../support/world.ts";
import { Clock, faultyBucket, faultyDatabase } from "./faults.ts";
import { bodies, isTaken } from "./producer.ts";
import { FaultyQueue } from "./queue.ts";

const EVENTS = Number(env.CHAOS_EVENTS);
const SEED = Number(env.CHAOS_SEED);
const TIMEOUT_MS = 1_800_000;
/** Simulated seconds that a request, and a delivery, take. */
const REQUEST_SECONDS = 0.05;
const DELIVERY_SECONDS = 0.5;
/** Part of all requests after which a batch is delivered. */
const DELIVERIES = 0.3;
const MINUTE = 60;

async function sweep(bindings: Env): Promise<void> {
  // What a run of the job cannot do is left to the next one.
  await runMinute(bindings).catch(() => undefined);
}

/** Sends everything, then lets time pass until nothing waits any more. */
async function run(bindings: Env, queue: FaultyQueue, deadLetters: FaultyQueue, clock: Clock, random: Random) {
  const deliver = async () => {
    clock.advance(DELIVERY_SECONDS);
    await queue.deliver(bindings, clock.now);
    await deadLetters.deliver(bindings, clock.now);
  };
  for (const body of bodies(EVENTS, random)) {
    while (!(await isTaken(body, bindings))) await deliver();
    clock.advance(REQUEST_SECONDS);
    if (random.next() < DELIVERIES) await deliver();
  }
  for (;;) {
    await sweep(bindings);
    const isEmpty = queue.size + deadLetters.size === 0;
    if (isEmpty && (await env.SPILL.list()).objects.every(({ key }) => key === LOG_MARK_KEY)) return;
    clock.advance(isEmpty ? MINUTE : Math.max(0, Math.min(queue.nextAt, deadLetters.nextAt) - clock.now));
    while (Math.min(queue.nextAt, deadLetters.nextAt) <= clock.now) await deliver();
  }
}

it(`of ${EVENTS} events none is lost and none is there twice, whatever fails`, { timeout: TIMEOUT_MS }, async () => {
  const quiet = (["log", "warn", "error"] as const).map((level) => vi.spyOn(console, level).mockReturnValue());
  const random = new Random(SEED);
  vi.spyOn(Math, "random").mockImplementation(() => random.next());
  const clock = new Clock();
  const deadLetters = new FaultyQueue(DEAD_LETTER_QUEUE_NAME, random, clock);
  const queue = new FaultyQueue(INGEST_QUEUE_NAME, random, clock, deadLetters);
  const { DB, counts } = faultyDatabase(env.DB, clock);
  const SPILL = faultyBucket(env.SPILL, random);
  const bindings = {
    ...env,
    DB,
    SPILL,
    INGEST_QUEUE: queue.binding,
    INGEST_DEAD_LETTERS: deadLetters.binding,
    PRODUCER_CACHE_SECONDS: "30",
  };
  try {
    await run(bindings, queue, deadLetters, clock, random);
  } finally {
    for (const spy of quiet) spy.mockRestore();
  }
  const found = await env.DB.prepare("SELECT count(DISTINCT message) AS some, count(*) AS every FROM events").first();
  const [some, every] = [Number(found?.some), Number(found?.every)];
  console.log(`faults: ${JSON.stringify({ database: counts, queue: queue.counts, seconds: Math.round(clock.now) })}`);
  console.log(`chaos: sent ${EVENTS}, stored ${some}, lost ${EVENTS - some}, twice ${every - some}`);
  expect([some, every]).toEqual([EVENTS, EVENTS]);
  const { refused, stalled, redelivered } = queue.counts;
  for (const count of [counts.failed, counts.timedOut, counts.down, refused, stalled, redelivered]) {
    expect(count).toBeGreaterThan(0);
  }
  expect(await env.DB.prepare("SELECT count(*) FROM event_scopes").first("count(*)")).toBe(EVENTS);
  expect(await env.DB.prepare("SELECT sum(stored) AS n FROM ingest_days").first("n")).toBe(EVENTS);
  expect(await env.DB.prepare("SELECT count(*) AS n FROM dead_letters").first("n")).toBe(0);
  expect(await (await get("/api/events/count/", (await aPerson({ staff: true })).token)).json()).toEqual({
    count: EVENTS,
  });
});
