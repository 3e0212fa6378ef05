import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { MAX_DEAD_ATTEMPTS } from "../../../src/ingest/dead-letters/consumer.ts";
import { MAX_INLINE_BODY_BYTES } from "../../../src/ingest/dead-letters/keep.ts";
import { replayDeadLetters } from "../../../src/ingest/dead-letters/replay.ts";
import { DEAD_LETTER_QUEUE_NAME as DEAD, INGEST_QUEUE_NAME as INGEST } from "../../../src/ingest/queue/names.ts";
import { retryDelay } from "../../../src/ingest/queue/retry.ts";
import { MAX_ATTEMPTS } from "../../../src/ingest/settle.ts";
import { aRefusingBucket } from "../../cloud/r2.ts";
import { deliver } from "../../support/batch.ts";
import { later, stopClock } from "../../support/clock.ts";
import { aFailingDatabase, aMeteredDatabase, hook, queued, rows } from "../../support/ingest.ts";
import { aQueue, aRefusingQueue, asQueue } from "../../support/queue.ts";
import { keysBelow } from "../../support/storage.ts";
import { bindings, runMinute } from "../../support/world.ts";

const RETRIED = { retriedAfter: expect.any(Number) };
const POISON =
  "CREATE TRIGGER poison BEFORE INSERT ON events WHEN NEW.message LIKE 'poison%' BEGIN SELECT RAISE(ABORT, 'no'); END";

const consume = (queue: string, bodies: readonly unknown[], attempts: number, changed = {}) =>
  deliver(bodies, changed, { queue, attempts });

/** The keys of the bucket, besides the mark of the log. */
const spilled = () => keysBelow();

/** Through all deliveries, as the platform would do it, into the table. */
async function died(bodies: readonly unknown[]) {
  const { queue, notes } = aQueue();
  expect(await consume(INGEST, bodies, MAX_ATTEMPTS, { INGEST_DEAD_LETTERS: queue })).toEqual(
    bodies.map(() => "acked"),
  );
  await consume(DEAD, notes, 1);
}

describe("the delay before a retry", () => {
  it("doubles up to a quarter of an hour, and up to a half of it is left to chance", () => {
    const longest = [1, 2, 3, 8, 9, 100].map((attempts) => retryDelay(attempts, 0.999_999));
    expect(longest).toEqual([5, 10, 20, 640, 900, 900]);
    expect([1, 2, 3, 8, 9, 100].map((attempts) => retryDelay(attempts, 0))).toEqual([3, 5, 10, 320, 450, 450]);
    expect(retryDelay(0, 0)).toBe(3);
  });

  it("is used while the database is away, and no message dies of that", async () => {
    const { DB } = aFailingDatabase("D1_ERROR: D1 DB is overloaded. Requests queued for too long.");
    const { queue, notes } = aQueue();
    const [outcome] = await consume(INGEST, await queued(hook()), 90, { DB, INGEST_DEAD_LETTERS: queue });
    expect(outcome).toEqual({ retriedAfter: expect.toSatisfy((delay: number) => delay >= 450 && delay <= 900) });
    expect(notes).toEqual([]);
  });
});

describe("a message that fails for good", () => {
  it("is tried a few times, then goes to the dead letters with the reason; all others are written", async () => {
    await env.DB.exec(POISON);
    const bodies = await queued(
      hook({ message: "a" }),
      hook({ message: "poison", uuid: "1".repeat(32) }),
      hook({ message: "b" }),
    );
    const [first] = await consume(INGEST, bodies, 1);
    expect(first).toEqual(RETRIED);
    await died(bodies);
    expect((await rows("events")).map(({ message }) => message).toSorted()).toEqual(["a", "b"]);
    expect(await rows("dead_letters")).toMatchObject([
      {
        reason: "refused",
        uuid: "1".repeat(32),
        producer: "waldur",
        attempts: MAX_ATTEMPTS,
        state: "dead",
        detail: expect.stringContaining("no"),
      },
    ]);
    expect(await rows("ingest_days")).toMatchObject([{ accepted: 3, stored: 2, duplicates: 0, dead: 1 }]);
  });

  it("and cannot be sent to the dead letters comes back", async () => {
    const outcomes = await consume(INGEST, ["?"], MAX_ATTEMPTS, { INGEST_DEAD_LETTERS: aRefusingQueue() });
    expect(outcomes).toEqual([RETRIED]);
  });

  it("comes back when the dead-letter queue does not answer within two seconds", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const { promise: isSent, resolve: sending } = Promise.withResolvers<void>();
    const send = () => {
      sending();
      return new Promise(() => {});
    };
    const outcomes = consume(INGEST, ["?"], MAX_ATTEMPTS, { INGEST_DEAD_LETTERS: asQueue({ send }) });
    await isSent;
    await vi.advanceTimersByTimeAsync(2_000);
    expect(await outcomes).toEqual([RETRIED]);
  });

  it("as nobody can read it is kept as it is, once, with all its deliveries and when it was seen", async () => {
    const mayFirst = Date.UTC(2026, 4, 1);
    stopClock("2026-05-01T00:00:00Z");
    await died(["?"]);
    later(1_500);
    await died(["?"]);
    const seen = { first_seen: mayFirst * 1000, last_seen: (mayFirst + 1_500) * 1000 };
    expect(await rows("dead_letters")).toMatchObject([
      { reason: "unreadable", body: "?", uuid: null, attempts: 2 * MAX_ATTEMPTS, ...seen },
    ]);
  });

  it("and is large is kept in R2", async () => {
    await env.DB.exec(POISON);
    await died(await queued(hook({ message: `poison${"x".repeat(MAX_INLINE_BODY_BYTES)}` })));
    const [letter] = await rows("dead_letters");
    expect(letter?.body).toBeNull();
    expect(await (await env.SPILL.get(`bodies/${letter?.id}`))?.text()).toContain("poisonxxx");
  });

  it("and is large comes back while R2 does not take it", async () => {
    const bodies = await queued(hook({ message: "x".repeat(MAX_INLINE_BODY_BYTES) }));
    expect(await consume(DEAD, bodies, 1, { SPILL: aRefusingBucket() })).toEqual([RETRIED]);
    expect(await rows("dead_letters")).toEqual([]);
  });

  it("among thousands does not use more statements than an invocation has; the rest comes back", async () => {
    await env.DB.exec(POISON.replace("NEW.message LIKE 'poison%'", "true"));
    const bodies = (
      await Promise.all(
        Array.from({ length: 20 }, (_, n) =>
          queued(...Array.from({ length: 50 }, (_, m) => hook({ message: `${n} ${m}` }))),
        ),
      )
    ).flat();
    const { DB, cost } = aMeteredDatabase();
    const outcomes = await consume(INGEST, bodies, 1, { DB });
    expect(cost.statements).toBeLessThan(1000);
    expect(outcomes).toHaveLength(20);
    for (const outcome of outcomes) expect(outcome).toEqual(RETRIED);
  });
});

it("an event whose id names another is a dead letter at once, and its message is done", async () => {
  const uuid = "2".repeat(32);
  const [first, second] = [await queued(hook({ uuid })), await queued(hook({ uuid, message: "Other" }), hook())];
  expect(await consume(INGEST, [...first, ...second], 1)).toEqual(["acked", "acked"]);
  expect(await rows("dead_letters")).toMatchObject([
    { reason: "conflict", uuid, detail: expect.stringContaining(uuid) },
  ]);
  expect(await rows("ingest_days")).toMatchObject([{ accepted: 3, stored: 1, duplicates: 1, dead: 1 }]);
});

describe("the dead-letter queue", () => {
  it("keeps of a message the platform gave up the events that are not stored", async () => {
    const bodies = await queued(hook({ message: "a" }), hook({ message: "b" }));
    await consume(INGEST, await queued(hook({ message: "a" })), 1);
    expect(await consume(DEAD, bodies, 1)).toEqual(["acked"]);
    expect(await rows("dead_letters")).toMatchObject([{ reason: "retries", body: expect.stringContaining('"b"') }]);
  });

  it("keeps the newer reason of an event that dies again", async () => {
    const bodies = await queued(hook({ message: "poison" }));
    await consume(DEAD, bodies, 1);
    expect(await rows("dead_letters")).toMatchObject([{ reason: "retries", attempts: 1 }]);
    await env.DB.exec(POISON);
    await died(bodies);
    expect(await rows("dead_letters")).toMatchObject([
      { reason: "refused", detail: expect.stringContaining("no: SQLITE_CONSTRAINT"), attempts: 1 + MAX_ATTEMPTS },
    ]);
  });

  it("keeps thousands with few statements, what does not fit into one invocation comes back", async () => {
    const bodies = (
      await Promise.all(
        [1, 2, 3].map((n) => queued(...Array.from({ length: 900 }, (_, m) => hook({ message: `${n} ${m}` })))),
      )
    ).flat();
    const { DB, cost } = aMeteredDatabase();
    expect(new Set(await consume(DEAD, bodies, 1, { DB }))).toEqual(new Set(["acked"]));
    expect(await rows("dead_letters")).toHaveLength(2700);
    expect(await rows("ingest_days")).toMatchObject([{ accepted: 2700, dead: 2700 }]);
    expect(cost.statements).toBeLessThan(400);
    const again = await consume(DEAD, Array.from({ length: 5 }, () => bodies).flat(), 1, { DB });
    expect(again.some((outcome) => outcome !== "acked")).toBe(true);
    expect(await rows("ingest_days")).toMatchObject([{ accepted: 2700, dead: 2700 }]);
  });

  it("waits while the database is away, and at last leaves the message in R2, from where it comes back", async () => {
    const bodies = await queued(hook());
    const away = { DB: aFailingDatabase("D1_ERROR: Network connection lost.").DB };
    expect(await consume(DEAD, bodies, 1, away)).toEqual([RETRIED]);
    const last = { ...away, SPILL: aRefusingBucket() };
    expect(await consume(DEAD, bodies, MAX_DEAD_ATTEMPTS, last)).toEqual([RETRIED]);
    expect(await consume(DEAD, bodies, MAX_DEAD_ATTEMPTS, away)).toEqual(["acked"]);
    const { queue, bodies: back } = aQueue();
    await runMinute({ INGEST_DEAD_LETTERS: queue });
    expect(back).toEqual(bodies);
    expect(await spilled()).toEqual([]);
  });
});

describe("a replay", () => {
  it("writes the event under its own identity, once, however often it is run, and the letter goes", async () => {
    await env.DB.exec(POISON);
    const bodies = await queued(
      hook({ message: "poison" }),
      hook({ message: `poison${"x".repeat(MAX_INLINE_BODY_BYTES)}` }),
    );
    await died(bodies);
    const uuids = (await rows("dead_letters")).map(({ uuid }) => uuid).toSorted();
    await env.DB.exec("DROP TRIGGER poison");
    for (let run = 0; run < 2; run++) {
      await env.DB.exec("UPDATE dead_letters SET state = 'replay'");
      const { queue, bodies: sent } = aQueue();
      await runMinute({ INGEST_QUEUE: queue });
      expect(sent).toHaveLength(2);
      await consume(INGEST, sent, 1);
    }
    expect((await rows("events")).map(({ uuid }) => uuid).toSorted()).toEqual(uuids);
    await runMinute({ INGEST_QUEUE: aQueue().queue });
    expect(await rows("dead_letters")).toEqual([]);
    expect(await spilled()).toEqual([]);
    expect(await rows("ingest_days")).toMatchObject([{ accepted: 2, stored: 2, duplicates: 0, dead: 0 }]);
  });

  it("that dies again is the same letter", async () => {
    await env.DB.exec(POISON);
    await died(await queued(hook({ message: "poison" })));
    const [{ id } = {}] = await rows("dead_letters");
    await env.DB.exec("UPDATE dead_letters SET state = 'replay'");
    const { queue, bodies } = aQueue();
    await runMinute({ INGEST_QUEUE: queue });
    await died(bodies);
    expect(await rows("dead_letters")).toMatchObject([{ id, state: "dead", attempts: 2 * MAX_ATTEMPTS }]);
    expect(await rows("ingest_days")).toMatchObject([{ accepted: 1, dead: 1 }]);
  });
});

it("the cron job reads no dead letters but those that it has to send or delete", async () => {
  await env.DB.exec(
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
    INSERT INTO dead_letters (id, reason, detail, attempts, first_seen, last_seen, state, body)
    SELECT i, 'conflict', '', 1, 0, 0, iif(i = 1, 'stored', iif(i < 100, 'dead', 'discarded')), '' FROM n`.replaceAll(
      "\n",
      " ",
    ),
  );
  const { DB, cost } = aMeteredDatabase();

  await replayDeadLetters(bindings({ DB }));

  expect(await rows("dead_letters")).toHaveLength(299);
  expect(cost.rowsRead).toBeLessThan(10);
});
