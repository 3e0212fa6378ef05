import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import type { Env } from "../../src/env.ts";
import { LAST_ATTEMPT } from "../../src/ingest/queue/retry.ts";
import { MAX_ATTEMPTS } from "../../src/ingest/settle.ts";
import {
  DOCUMENTED_ERRORS,
  FULL_ERRORS,
  PERMANENT_ERRORS,
  STATEMENT_ERRORS,
  UNKNOWN_ERRORS,
} from "../cloud/d1-errors.ts";
import { aRefusingBucket } from "../cloud/r2.ts";
import { deliver } from "../support/batch.ts";
import { aFailingDatabase, hook, queued, rows } from "../support/ingest.ts";
import { aQueue } from "../support/queue.ts";
import { runMinute } from "../support/world.ts";

const RETRIED = { retriedAfter: expect.any(Number) };

const messages = async (count: number) =>
  (await Promise.all(Array.from({ length: count }, (_, n) => queued(hook({ message: `Event ${n}` }))))).flat();

/** A delivery to a database that fails so: its outcomes, the calls of the database, and what went to the dead letters. */
async function delivered(
  error: string,
  { count = 4, attempts = MAX_ATTEMPTS, ...changed }: Partial<Env> & { count?: number; attempts?: number } = {},
) {
  const { DB, calls } = aFailingDatabase(error);
  const { queue, notes } = aQueue();
  const given = { DB, INGEST_DEAD_LETTERS: queue, ...changed };
  const outcomes = await deliver(await messages(count), given, { attempts });
  return { outcomes, calls: calls(), notes };
}

/** The lines that are logged in the meantime, by their event. */
function logged() {
  const error = vi.spyOn(console, "error").mockReturnValue();
  return (event: string) =>
    error.mock.calls.map(([line]) => JSON.parse(String(line))).filter((it) => it.event === event);
}

describe("a delivery of good events", () => {
  it.each([...DOCUMENTED_ERRORS, ...UNKNOWN_ERRORS, ...STATEMENT_ERRORS])(
    "is left for later as a whole after one call, and for a day, when D1 says %j",
    async (error) => {
      for (const attempts of [1, MAX_ATTEMPTS, LAST_ATTEMPT - 1]) {
        const { outcomes, calls, notes } = await delivered(error, { attempts });
        expect(outcomes).toEqual([RETRIED, RETRIED, RETRIED, RETRIED]);
        expect([calls, notes]).toEqual([1, []]);
      }
    },
  );

  it("of several transactions asks the database once while it is away", async () => {
    const long = hook({ message: "x".repeat(60_000) });
    const bodies = (await Promise.all(Array.from({ length: 12 }, () => queued(long)))).flat();
    const { DB, calls } = aFailingDatabase(UNKNOWN_ERRORS[0]);
    expect(await deliver(bodies, { DB })).toEqual(bodies.map(() => RETRIED));
    expect(calls()).toBe(1);
  });

  it("that has one bad event among them loses that one only", async () => {
    await env.DB.exec(
      "CREATE TRIGGER poison BEFORE INSERT ON events WHEN NEW.message = 'Event 2' BEGIN SELECT RAISE(ABORT, 'no'); END",
    );
    const { queue, notes } = aQueue();
    const outcomes = await deliver(await messages(4), { INGEST_DEAD_LETTERS: queue }, { attempts: MAX_ATTEMPTS });
    expect(outcomes).toEqual(["acked", "acked", "acked", "acked"]);
    expect((await rows("events")).map(({ message }) => message)).toEqual(["Event 0", "Event 1", "Event 3"]);
    expect(notes).toEqual([expect.stringContaining("Event 2")]);
  });
});

it.each(PERMANENT_ERRORS)("an event that D1 will never take, as %j says, is a dead letter", async (error) => {
  const { outcomes, calls, notes } = await delivered(error, { count: 2 });
  expect(outcomes).toEqual(["acked", "acked"]);
  expect(notes).toHaveLength(2);
  expect(calls).toBe(3);
});

describe("a full database", () => {
  it.each(FULL_ERRORS)("that says %j is one alarm a delivery, and a wait of a quarter of an hour", async (error) => {
    const alarms = logged();
    const { outcomes, calls, notes } = await delivered(error);
    expect(outcomes).toEqual(Array.from({ length: 4 }, () => ({ retriedAfter: 900 })));
    expect([calls, notes]).toEqual([1, []]);
    expect(alarms("database_full")).toEqual([
      { level: "error", event: "database_full", messages: 4, error: expect.stringContaining(error) },
    ]);
  });

  it("makes no dead letter when the retries end: the message goes by R2 to the queue again", async () => {
    const { outcomes, notes } = await delivered(FULL_ERRORS[0], { count: 1, attempts: LAST_ATTEMPT });
    expect([outcomes, notes]).toEqual([["acked"], []]);
    const { queue, bodies } = aQueue();
    await runMinute({ INGEST_QUEUE: queue });
    expect(await deliver(bodies)).toEqual(["acked"]);
    expect(await rows("events")).toHaveLength(1);
  });

  it("and a bucket that refuses leave the message to the queue", async () => {
    const SPILL = aRefusingBucket();
    const { outcomes } = await delivered(FULL_ERRORS[0], { count: 1, attempts: LAST_ATTEMPT, SPILL });
    expect(outcomes).toEqual([{ retriedAfter: 900 }]);
  });
});

it("a statement that the schema does not know is an alarm, because no event is to blame", async () => {
  const alarms = logged();
  await delivered(STATEMENT_ERRORS[0]);
  expect(alarms("statement_refused")).toMatchObject([{ messages: 4 }]);
});
