import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { database } from "../../../src/db/client.ts";
import { countWithin, eventsWithin, type Span, timeOfNth, timesOfLog } from "../../../src/events/log/window.ts";
import { aMeteredDatabase } from "../../support/ingest.ts";
import { anEvent, recorded } from "../../support/world.ts";

const SECOND = 1_000_000;
const BEGIN = 1_700_000_000 * SECOND;
const span = (from: number, to: number): Span => ({ producer: "waldur", from: BEGIN + from, to: BEGIN + to });
const at = (created: number, more: Parameters<typeof anEvent>[0] = {}) =>
  anEvent({ created: BEGIN + created, ...more });

async function uuidsWithin(of: Span, db = database(env.DB)): Promise<string[]> {
  const uuids: string[] = [];
  for await (const part of eventsWithin(db, of)) uuids.push(...part.map(({ uuid }) => uuid));
  return uuids;
}

describe("the events of a range of time", () => {
  it("are those from its first microsecond up to, not including, its last, the oldest first", async () => {
    const inside = [at(10), at(15), at(19)];
    await recorded(at(9), ...inside, at(20));

    expect(await uuidsWithin(span(10, 20))).toEqual(inside.map(({ uuid }) => uuid));
    expect(await countWithin(database(env.DB), span(10, 20))).toBe(3);
  });

  it("are those of the producer, whoever is upstream, and those of upstream, whoever sent them", async () => {
    const counted = [at(1), at(2, { producer: "other", isUpstream: true })];
    await recorded(...counted, at(3, { producer: "other" }));

    expect(await uuidsWithin(span(0, 10))).toEqual(counted.map(({ uuid }) => uuid));
  });

  it("come whole and once, however many have one time", async () => {
    const events = Array.from({ length: 700 }, (_, n) => at(Math.min(n, 50)));
    await recorded(...events.slice(0, 400));
    await recorded(...events.slice(400));

    const found = await uuidsWithin(span(0, 100));
    expect(found).toHaveLength(700);
    expect(new Set(found)).toEqual(new Set(events.map(({ uuid }) => uuid)));
  });

  it("cost one row each, and one more for those that are read", async () => {
    await recorded(...Array.from({ length: 250 }, (_, n) => at(n)));
    const { DB, cost } = aMeteredDatabase();

    await uuidsWithin(span(0, 200), database(DB));
    expect(cost).toMatchObject({ rowsRead: 201, statements: 1 });
    await countWithin(database(DB), span(0, 200));
    expect(cost).toMatchObject({ rowsRead: 401, statements: 2 });
  });

  it("are counted from any on: the time of the event after the first n", async () => {
    await recorded(at(1), at(2), at(3));

    expect(await timeOfNth(database(env.DB), span(0, 10), 2)).toBe(BEGIN + 3);
    expect(await timeOfNth(database(env.DB), span(0, 10), 3)).toBeUndefined();
    expect(await timesOfLog(database(env.DB))).toEqual({ first: BEGIN + 1, last: BEGIN + 3 });
  });
});

it("an empty log has no times", async () => {
  expect(await timesOfLog(database(env.DB))).toBeUndefined();
});
