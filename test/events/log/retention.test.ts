import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { database, runBatch } from "../../../src/db/client.ts";
import { deleteOldest, eventsBefore, fittingOldest } from "../../../src/events/log/retention.ts";
import { bigLog, CUSTOMERS, load, USERS } from "../../support/big-log.ts";
import { expectExactCounters } from "../../support/history.ts";
import { rows } from "../../support/ingest.ts";
import { gaps, LogReader, storedIds } from "../../support/log-reader.ts";
import { aPerson } from "../../support/people.ts";
import { Random } from "../../support/random.ts";
import { anEvent, get, recorded } from "../../support/world.ts";

const MARCH = Date.UTC(2026, 2, 1) * 1000;
const SEED = 20_261_125;

/** Deletes one slice; returns the number of its events. */
async function deleted(before: number, size?: number): Promise<number> {
  const [slice] = await runBatch(database(env.DB), deleteOldest(before, size));
  return Number(slice?.results[0]?.events);
}

async function deleteAll(before: number, size?: number): Promise<void> {
  while ((await deleted(before, size)) > 0);
}

/** What is left of the events in all places where they leave something. */
async function left() {
  const count = async (sql: string) => env.DB.prepare(sql).first<number>("n");
  return {
    events: await count("SELECT count(*) AS n FROM events"),
    scopes: await count("SELECT count(*) AS n FROM event_scopes"),
    counters: await count("SELECT count(*) AS n FROM counters"),
    indexed: await count("SELECT count(*) AS n FROM event_index WHERE event_index MATCH '\"NEE\"'"),
  };
}

describe("deleting the oldest events", () => {
  it("leaves nothing of them, in slices of any size, and everything of the others", async () => {
    const others = bigLog(300, 7).filter(({ created }) => created >= MARCH);
    await load(others.map((event) => ({ ...event, uuid: `${event.uuid}` })));
    const without = await left();
    await load(bigLog(600, 8).map((event) => ({ ...event, message: "needle", created: event.created - 1e14 })));
    expect((await left()).events).toBe(others.length + 600);

    await deleteAll(MARCH, 97);

    expect(await left()).toEqual(without);
    await expectExactCounters();
  });

  it("keeps counters, lists and followers of the log right after each slice, while events come and go", async () => {
    const random = new Random(SEED);
    const { token } = await aPerson({ staff: true });
    const reader = new LogReader();
    for (const [index, event] of bigLog(1_000, 9).entries()) if (index % 4 === 0) await recorded(event);
    for (let slice = 0; slice < 12; slice++) {
      await deleted(MARCH, 1 + random.int(30));
      // Late events come before what is left, with the same times, too.
      const same = (await rows("events"))[random.int(50)];
      await recorded(
        ...bigLog(3, slice),
        anEvent({ created: Number(same?.created), context: { customer_uuid: CUSTOMERS[0] } }),
      );
      if (random.oneIn(3)) await env.DB.exec("DELETE FROM events WHERE id = (SELECT max(id) FROM events)");

      await expectExactCounters();
      await reader.read();
      expect(reader.held()).toEqual(await storedIds());
      expect(await gaps()).toBe(0);
      for (const search of ["", `customer_uuid=${CUSTOMERS[0]}`, `user_uuid=${USERS[0]}&message=volume`]) {
        const response = await get(`/api/events/?page_size=300&${search}`, token);
        expect(response.headers.get("X-Result-Count")).toBe(String((await response.json<unknown[]>()).length));
      }
    }
  });

  it("takes a part of the events of one time, in the order of the log's entry", async () => {
    const reader = new LogReader();
    await recorded(...Array.from({ length: 7 }, () => anEvent({ created: MARCH - 1 })));
    await reader.read();

    expect(await deleted(MARCH, 3)).toBe(3);

    expect((await rows("log_changes")).map(({ op, event_id, created_to, n }) => [op, event_id, created_to, n])).toEqual(
      [["period", 5, MARCH - 1, 3]],
    );
    await reader.read();
    expect([...reader.held().keys()]).toEqual([1, 2, 3, 4]);
  });

  it("that fails at any statement changes nothing, and goes on when it is asked again", async () => {
    await load(bigLog(100, 7));
    const before = [await left(), await rows("commit_watermark"), await rows("log_changes")];
    const statements = deleteOldest(MARCH, 40);
    for (let kept = 1; kept <= statements.length; kept++) {
      const failing = database(env.DB).$client.prepare(
        "INSERT INTO commit_watermark (singleton, last_id) VALUES (2, 0)",
      );
      const db = {
        prepare: env.DB.prepare.bind(env.DB),
        batch: (some: D1PreparedStatement[]) => env.DB.batch([...some.slice(0, kept), failing]),
      };
      await expect(runBatch(database(db as unknown as D1Database), statements)).rejects.toThrow("CHECK");
    }
    expect([await left(), await rows("commit_watermark"), await rows("log_changes")]).toEqual(before);

    expect(await deleted(MARCH, 40)).toBe(40);
  });

  it("ends when there are none, without an entry and a new epoch", async () => {
    await recorded(anEvent({ created: MARCH }));
    expect(await deleted(MARCH)).toBe(0);
    expect(await rows("log_changes")).toEqual([]);
    expect(await rows("commit_watermark")).toMatchObject([{ epoch: 0, deletes_period: 0 }]);
  });

  it("leaves the deletion of single events as it is", async () => {
    await recorded(anEvent({ created: MARCH - 1 }), anEvent({ created: MARCH }));
    await deleteAll(MARCH);
    await env.DB.exec("DELETE FROM events");
    expect((await rows("log_changes")).map(({ op }) => op)).toEqual(["period", "removed"]);
    await expectExactCounters();
  });
});

it("readers see another version of what a slice was taken from, and totals that are kept no longer count it", async () => {
  const { token } = await aPerson({ staff: true });
  await load(
    Array.from({ length: 2_100 }, (_, index) => anEvent({ message: "needle", created: MARCH - 2_000 + index })),
  );
  const [list, search] = ["/api/events/", "/api/events/count/?message=needle"];
  const tag = async (path: string) => (await get(path, token)).headers.get("ETag") ?? "no tag";
  const tags = new Map([
    [list, await tag(list)],
    [search, await tag(search)],
  ]);

  await deleteAll(MARCH);

  for (const [path, before] of tags) {
    const response = await get(path, token, { headers: { "If-None-Match": before } });
    expect([response.status, response.headers.get("X-Result-Count")]).toEqual([200, "100"]);
  }
});

it("a deleted event costs a row, one for its index entry and one for each object, and little more for all counters", async () => {
  const DAY = 86_400_000_000;
  const events = Array.from({ length: 5_000 }, (_, index) =>
    anEvent({
      created: MARCH - 3 * DAY + index * 5e7,
      context: { customer_uuid: CUSTOMERS[index % 3], user_uuid: USERS[index % 2] },
    }),
  );
  await load(events);
  const results = await runBatch(database(env.DB), deleteOldest(MARCH, 4_999));
  const written = results.reduce((sum, { meta }) => sum + meta.rows_written, 0);
  const read = results.reduce((sum, { meta }) => sum + meta.rows_read, 0);

  const { meta: one } = await env.DB.prepare("DELETE FROM events WHERE id = 5000").run();

  expect(await left()).toMatchObject({ events: 0, scopes: 0, indexed: 0 });
  expect(one.rows_written).toBe(12);
  expect(written / 5_000).toBeLessThan(1 + 1 + 2 + 0.03);
  expect(read / 5_000).toBeLessThan(80);
});

it("a slice has fewer events when their contexts have many texts, each of which is looked up", async () => {
  const context = Object.fromEntries(Array.from({ length: 1_200 }, (_, text) => [text, "a".repeat(36)]));
  const wide = () => anEvent({ created: MARCH - 1, context });
  for (let batch = 0; batch < 13; batch++) await recorded(...Array.from({ length: 10 }, wide));

  const [fitting] = await runBatch(database(env.DB), [fittingOldest(MARCH)]);
  expect(fitting?.results).toEqual([{ events: 93 }]);
  const slice = await runBatch(database(env.DB), deleteOldest(MARCH, 93));
  expect(slice[0]?.results[0]?.events).toBe(93);
  expect(slice.reduce((sum, { meta }) => sum + meta.rows_read, 0)).toBeLessThan(400_000);
});

it("the events before a day are counted by quarter, from the counters", async () => {
  await recorded(
    ...[-1, 0, 1].map((days) => anEvent({ created: MARCH + days * 86_400_000_000 })),
    anEvent({ created: 0 }),
  );
  const [counted] = await runBatch(database(env.DB), [eventsBefore("2026-03-02")]);
  expect(counted?.results).toEqual([
    { quarter: "1970-01", events: 1 },
    { quarter: "2026-01", events: 2 },
  ]);
});
