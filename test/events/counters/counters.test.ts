import { env } from "cloudflare:workers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { NewEvent } from "../../../src/events/event.ts";
import { expectExactCounters } from "../../support/history.ts";
import { anEvent, recorded } from "../../support/world.ts";

const MONTH = 31 * 86_400_000_000;
const T = Date.UTC(2025, 11, 30) * 1000;
const OBJECTS = ["a", "b", "c"].map((letter) => letter.repeat(32));

const event = fc
  .record({
    uuid: fc.integer({ min: 0, max: 40 }),
    time: fc.integer({ min: -MONTH, max: 5 * MONTH }),
    type: fc.constantFrom("project_created", "user_activated", "never heard of", "user_has_been_created_by_staff"),
    customer: fc.option(fc.constantFrom(...OBJECTS)),
    project: fc.option(fc.constantFrom(...OBJECTS)),
    user: fc.option(fc.constantFrom(...OBJECTS)),
  })
  .map(
    ({ uuid, time, type, customer, project, user }): NewEvent =>
      anEvent({
        uuid: String(uuid).padStart(32, "0"),
        created: T + time,
        eventType: type,
        context: { customer_uuid: customer, project_uuid: project, user_uuid: user, affected_user_uuid: "not a uuid" },
      }),
  );

type Step = { write: NewEvent[] } | { fail: NewEvent[] } | { remove: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.array(event, { minLength: 1, maxLength: 30 }).map((write) => ({ write })) },
  { weight: 1, arbitrary: fc.array(event, { minLength: 1, maxLength: 10 }).map((fail) => ({ fail })) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 60 }).map((remove) => ({ remove })) },
);

/** A batch that fails in the middle, after the events went in, if any of them is new: nothing of it may stay. */
async function failing(events: NewEvent[]) {
  await env.DB.exec("CREATE TRIGGER broken BEFORE INSERT ON counters BEGIN SELECT RAISE(ABORT, 'broken'); END");
  const [{ status }] = await Promise.allSettled([recorded(...events)]);
  await env.DB.exec("DROP TRIGGER broken");
  return status;
}

describe("the counters", () => {
  it("equal a recount after any history of new, repeated, late, failed and deleted events", async () => {
    const failed: string[] = [];
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
        await env.DB.exec("DELETE FROM events");
        for (const step of steps) {
          if ("write" in step) await recorded(...step.write);
          else if ("fail" in step) failed.push(await failing(step.fail));
          else await env.DB.exec(`DELETE FROM events WHERE id % 60 = ${step.remove}`);
        }
        await expectExactCounters();
      }),
      { numRuns: 15, seed: 20_261_123 },
    );
    expect(failed).toContain("rejected");
  });

  it("leave nothing of a deleted event in its scopes and in the index", async () => {
    await recorded(
      anEvent({ message: "gone", context: { customer_uuid: "a".repeat(32), project_uuid: "b".repeat(32) } }),
    );
    await env.DB.exec("DELETE FROM events");
    const left = await env.DB.prepare(
      `SELECT (SELECT count(*) FROM event_scopes) AS scopes, (SELECT count(*) FROM event_index WHERE event_index MATCH '"GON"') AS hits,
        (SELECT sum(n) FROM counters) AS counted, (SELECT epoch FROM commit_watermark) AS epoch`,
    ).first();
    expect(left).toEqual({ scopes: 0, hits: 0, counted: 0, epoch: 1 });
  });

  it("cost one row for each object, quarter, day and hour of a batch, however many events it has", async () => {
    const events = Array.from({ length: 100 }, (_, index) =>
      anEvent({ created: T + index, context: { customer_uuid: "a".repeat(32), user_uuid: OBJECTS[index % 2] } }),
    );
    const { rowsWritten } = await recorded(...events);
    const perEvent = 3 + 1 + 2 - 0.5; // the row and two indexes, the inverted index, a scope for each object (half have one only)
    const perBatch = 1 + 1 + 2 + 3 + 2 + 2; // watermark, sequence, an unknown type and its index, the log, two objects, what is learned of them
    expect(rowsWritten).toBeLessThanOrEqual(100 * perEvent + perBatch);
    expect(rowsWritten).toBeGreaterThan(100 * perEvent);
  });
});
