/// <reference types="vite/types/importMeta.d.ts" />
import { describe, expect, it } from "vitest";
import { DEAD_LETTER_QUEUE_NAME, INGEST_QUEUE_NAME } from "../../src/ingest/queue/names.ts";
import { MAX_BYTES_IN_TRANSACTION } from "../../src/ingest/transactions.ts";
import worker from "../../src/worker.ts";
import { Memory } from "../cloud/memory.ts";
import { heldBatch } from "../cloud/queue.ts";
import { aBatch } from "../support/batch.ts";
import { hook, push, queued } from "../support/ingest.ts";
import { aQueue, aRefusingQueue } from "../support/queue.ts";
import { Random } from "../support/random.ts";
import { bindings, runMinute } from "../support/world.ts";

/** Bytes that one invocation may hold: two of them in one isolate hold half of its 128 MB. */
const MOST = 32_000_000;
const [settings] = Object.values(
  import.meta.glob<string>("../../wrangler.toml", { query: "?raw", import: "default", eager: true }),
);
const MAX_BATCH = Number(/max_batch_size = (\d+)/.exec(settings ?? "")?.[1]);

/** Delivers bodies as one batch; the bytes that the isolate held at most, and the messages that were open at one time. */
async function delivered(bodies: readonly string[], queue = INGEST_QUEUE_NAME) {
  const memory = new Memory();
  const { batch, outcomes } = aBatch(
    queue,
    bodies.map((body) => ({ body })),
  );
  const { held, end, mostOpen } = heldBatch(batch, memory);
  await worker.queue(held, bindings({}, { memory }));
  end();
  expect(outcomes).toEqual(bodies.map(() => "acked"));
  expect(memory.held).toBe(0);
  return { peak: memory.peak, open: mostOpen() };
}

const peakOf = async (bodies: readonly string[], queue?: string) => (await delivered(bodies, queue)).peak;

/** Letters that differ, from a place in Unicode where upper case changes nothing. */
const differentLetters = (count: number, from: number) =>
  String.fromCharCode(...Array.from({ length: count }, (_, index) => 0x4e00 + ((from + index * 7) % 20_000)));

const randomText = (length: number, random: Random) =>
  String.fromCharCode(...Array.from({ length }, () => 0x30 + random.int(40)));

type MakesEvent = (n: number, random: Random) => Record<string, unknown>;

/** Messages of the queue of nearly 120 KB each, with two events. */
async function fullMessages(count: number, event: MakesEvent): Promise<string[]> {
  const random = new Random(count);
  const pairs = Array.from({ length: count }, (_, n) => queued(event(2 * n, random), event(2 * n + 1, random)));
  const bodies = (await Promise.all(pairs)).flat();
  expect(bodies).toHaveLength(count);
  return bodies;
}

const KINDS: [string, MakesEvent][] = [
  ["long texts", (n, random) => hook({ message: `${n} ${randomText(58_000, random)}` })],
  ["large contexts", (n) => hook({ message: `${n}`, context: { text: "x".repeat(58_000) } })],
  ["contexts of quotes", (n) => hook({ message: `${n}`, context: { text: '"'.repeat(29_000) } })],
  ["one wide letter in each", (n) => hook({ message: `${n}漢`, context: { text: `${"x".repeat(58_000)}漢` } })],
];

describe("messages of 120 KB", () => {
  it.each(KINDS)("with %s are written in little memory, as many as one delivery has", async (_, event) => {
    expect(await peakOf(await fullMessages(MAX_BATCH, event))).toBeLessThan(MOST);
  });

  it("with texts of different letters are written in little memory, even 100 in one delivery", async () => {
    const bodies = await fullMessages(100, (n) => hook({ message: `${n} ${differentLetters(19_000, n * 31)}` }));
    expect(await peakOf(bodies.slice(0, MAX_BATCH))).toBeLessThan(MOST);
    expect(await peakOf(bodies)).toBeLessThan(2 * MOST);
  });

  it("with large contexts are written in little memory, even 100 in one delivery", async () => {
    const context = { text: `${"x".repeat(58_000)}漢` };
    const { peak, open } = await delivered(await fullMessages(100, (n) => hook({ message: `${n}漢`, context })));
    expect(peak).toBeLessThan(2 * MOST);
    // Those of one transaction, whose first and last may be cut in two.
    expect(open).toBeLessThanOrEqual(2 + MAX_BYTES_IN_TRANSACTION / 116_000);
  });

  it("with hundreds of events each fit into the statements of an invocation, and into little memory", async () => {
    const small = (n: number) => ({ event_type: "x", message: `${n}`, created: "2026-05-01T12:00:00Z" });
    const requests = Array.from({ length: MAX_BATCH }, (_, n) =>
      queued(...Array.from({ length: 1000 }, (_, m) => small(n * 1000 + m))),
    );
    const bodies = (await Promise.all(requests)).flat();
    expect(bodies).toHaveLength(MAX_BATCH);
    expect(await peakOf(bodies)).toBeLessThan(MOST);
  });

  it("that are dead are kept in little memory", async () => {
    const bodies = await fullMessages(MAX_BATCH, (n) =>
      hook({ message: `${n}漢`, context: { t: "x".repeat(58_000) } }),
    );
    expect(await peakOf(bodies, DEAD_LETTER_QUEUE_NAME)).toBeLessThan(MOST);
  });
});

it("requests that wait in R2 are sent on in little memory", async () => {
  const events = Array.from({ length: 16 }, (_, n) =>
    hook({ message: `${n}漢`, context: { text: "x".repeat(60_000) } }),
  );
  for (let request = 0; request < 40; request++) {
    expect((await push(events, { changed: { INGEST_QUEUE: aRefusingQueue() } })).status).toBe(202);
  }
  const memory = new Memory();
  const { queue, bodies } = aQueue();
  await runMinute({ INGEST_QUEUE: queue }, { memory });
  expect(bodies).toHaveLength(40 * 16);
  expect(memory.peak).toBeLessThan(MOST);
});
