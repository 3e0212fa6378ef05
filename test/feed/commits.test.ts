import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { readEnd } from "../../src/events/log/end.ts";
import { consume } from "../../src/ingest/consumer.ts";
import { INGEST_QUEUE_NAME } from "../../src/ingest/queue/names.ts";
import { aBatch, deliver } from "../support/batch.ts";
import { aFailingDatabase, hook, queued } from "../support/ingest.ts";
import { bindings } from "../support/world.ts";

const NOW = 1_780_000_000_000_000;
const UUID = "1".repeat(32);

/** A delivery with this hook: what became of its messages. */
async function consumed(bodies: readonly string[], onCommit: (end: number) => Promise<void>, changed = {}) {
  const { batch, outcomes } = aBatch(
    INGEST_QUEUE_NAME,
    bodies.map((body) => ({ body })),
  );
  await consume(batch, bindings(changed), NOW, () => 0.5, onCommit);
  return outcomes;
}

/** The ends that deliveries to the Worker have rung. */
function aBell() {
  const rung: number[] = [];
  const wait = async () => 0;
  const ring = async (end: number) => void rung.push(end);
  return { rung, FEED_BELL: { getByName: () => ({ ring, wait }) } };
}

/** Queue messages of so many transactions: two of the events fill one. */
async function longMessages(transactions: number): Promise<string[]> {
  const texts = Array.from({ length: 2 * transactions }, (_, n) => `${n} `.padEnd(60_000, "x"));
  return (await Promise.all(texts.map((message) => queued(hook({ message }))))).flat();
}

describe("a delivery rings", () => {
  it("once for each transaction, with the number of its newest event", async () => {
    const { rung, FEED_BELL } = aBell();
    await deliver(await queued(hook(), hook({ message: "b" }), hook({ message: "c" })), { FEED_BELL });
    expect(rung).toEqual([3]);
    await deliver(await longMessages(3), { FEED_BELL });
    expect(rung).toEqual([3, 5, 7, 9]);
    expect(await readEnd(env.DB)).toBe(9);
  });

  it("not at all for what is stored, nor for what nobody can read", async () => {
    const { rung, FEED_BELL } = aBell();
    const bodies = await queued(hook());
    await deliver(bodies);
    await deliver([...bodies, "?"], { FEED_BELL });
    expect(rung).toEqual([]);
  });

  it("with the number of its own event, not of an insert before it", async () => {
    const { rung, FEED_BELL } = aBell();
    const stored = await queued(hook({ message: "stored" }));
    await deliver([...(await queued(hook({ message: "first" }))), ...stored]);
    await deliver([...stored, ...(await queued(hook({ message: "new" })))], { FEED_BELL });
    expect(rung).toEqual([3]);
  });

  it("for an event that took another uuid, which is an entry of the log", async () => {
    const { rung, FEED_BELL } = aBell();
    await deliver(await queued(hook(), hook({ message: "b" })));
    await deliver(await queued(hook({ uuid: UUID })), { FEED_BELL });
    expect(rung).toEqual([3]);
    await deliver(
      await queued(hook({ uuid: UUID }), hook({ uuid: "2".repeat(32), message: "b" }), hook({ message: "c" })),
      {
        FEED_BELL,
      },
    );
    expect(rung).toEqual([3, 5]);
    expect(await readEnd(env.DB)).toBe(5);
  });

  it("for the events that are written while another is refused", async () => {
    await env.DB.exec(
      "CREATE TRIGGER poison BEFORE INSERT ON events WHEN NEW.message = 'poison' BEGIN SELECT RAISE(ABORT, 'no'); END",
    );
    const { rung, FEED_BELL } = aBell();
    const bodies = await Promise.all(["a", "poison", "b", "c"].map((message) => queued(hook({ message }))));
    await deliver(bodies.flat(), { FEED_BELL });
    expect(rung).toEqual([3]);
  });

  it("for its first transaction when the database fails in the second", async () => {
    const { DB } = aFailingDatabase("D1_ERROR: Network connection lost.", 1);
    const { rung, FEED_BELL } = aBell();
    await deliver(await longMessages(2), { DB, FEED_BELL });
    expect(rung).toEqual([2]);
  });
});

describe("a hook", () => {
  it("that fails fails no delivery", async () => {
    const warn = vi.spyOn(console, "warn").mockReturnValue();
    const failing = [() => Promise.reject(new Error("away")), vi.fn().mockThrow(new Error("broken"))];
    for (const [index, onCommit] of failing.entries()) {
      const bodies = await queued(hook({ message: `Event ${index}` }));
      expect(await consumed(bodies, onCommit)).toEqual(["acked"]);
    }
    const told = warn.mock.calls.map(([line]) => JSON.parse(String(line)));
    expect(told).toEqual(
      ["away", "broken"].map((text) => expect.objectContaining({ event: "commit_not_told", error: `Error: ${text}` })),
    );
  });

  it("that hangs delays a delivery of several transactions by a second, after its messages are settled", async () => {
    const bodies = await longMessages(3);
    vi.spyOn(console, "warn").mockReturnValue();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const calls: number[] = [];
    const { batch, outcomes } = aBatch(
      INGEST_QUEUE_NAME,
      bodies.map((body) => ({ body })),
    );
    const written = Promise.withResolvers<void>();
    vi.spyOn(console, "log").mockImplementation(() => written.resolve());
    let isDone = false;
    const done = consume(
      batch,
      bindings(),
      NOW,
      () => 0.5,
      (end) => {
        calls.push(end);
        return new Promise(() => undefined);
      },
    ).then(() => {
      isDone = true;
    });
    await written.promise;
    expect(outcomes).toEqual(Array(6).fill("acked"));
    await vi.advanceTimersByTimeAsync(999);
    expect(isDone).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(isDone).toBe(true);
    await done;
    expect([await readEnd(env.DB), calls]).toEqual([6, [2]]);
  });

  it("that is slow is told the newest of the commits that it missed", async () => {
    const first = Promise.withResolvers<void>();
    const calls: number[] = [];
    const log = vi.spyOn(console, "log").mockImplementation(() => first.resolve());
    const outcomes = await consumed(await longMessages(4), (end) => {
      calls.push(end);
      return calls.length === 1 ? first.promise : Promise.resolve();
    });
    expect(log).toHaveBeenCalledOnce();
    expect(outcomes).toEqual(Array(8).fill("acked"));
    expect(calls).toEqual([2, 8]);
  });
});
