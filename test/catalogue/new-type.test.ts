import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it } from "vitest";
import eventTypes from "../../src/catalogue/event-types.json" with { type: "json" };
import { prepared } from "../../src/db/client.ts";
import type { NewEvent } from "../../src/events/event.ts";
import { eventsToLearnFrom } from "../../src/events/objects/learn.ts";
import { MAX_TYPES_OF_PRODUCER } from "../../src/events/write/types.ts";
import { bigLog, CUSTOMERS, linkOf, load, USERS } from "../support/big-log.ts";
import { later, stopClock } from "../support/clock.ts";
import { aPerson } from "../support/people.ts";
import { anEvent, get, messages, query, recorded, rowsRead } from "../support/world.ts";
import { forgetTomorrow, migrationFor, NEXT_NUMBER, workerWith } from "./tomorrow.ts";

type Get = typeof get;

const ADA = USERS[0] ?? "";
const PLANET = ["event_type", "planet_created"] as const;

/** Applies the migration that src/catalogue/README.md shows. */
const upgraded = (...names: string[]) => env.DB.prepare(migrationFor(...names)).run();

const numbersOf = async (name: string) => {
  const types = env.DB.prepare("SELECT DISTINCT type FROM events WHERE type_name = ?1 OR type = ?2 ORDER BY type");
  const { results } = await types.bind(name, NEXT_NUMBER).all();
  return results.map(({ type }) => Number(type));
};

const trips = (response: Response) =>
  Number(/trips;desc="(\d+)"/.exec(response.headers.get("Server-Timing") ?? "")?.[1]);

/** An event of a type that the catalogue of today does not know. */
const aPlanet = (index: number, event: Parameters<typeof anEvent>[0] = {}) =>
  anEvent({
    eventType: "planet_created",
    message: `planet ${index}`,
    created: Date.UTC(2025, 1 + (index % 18), 2, 0, 0, index) * 1000,
    context: { user_uuid: ADA, customer_uuid: CUSTOMERS[0], auth_method: "token" },
    ...event,
  });

/** Fills the share of a producer with invented types, so that its next type has no number of its own. */
const withoutNumbersLeft = () =>
  recorded(
    ...Array.from({ length: MAX_TYPES_OF_PRODUCER }, (_, index) =>
      anEvent({ eventType: `invented_${index}`, message: `invented ${index}`, created: index }),
    ),
  );

/** The messages of the events, newest first. */
const newestFirst = (events: readonly NewEvent[]): string[] =>
  [...events].sort((a, b) => b.created - a.created).map(({ message }) => message);

/** The messages of all pages of a list, along `next`, with the total that each page tells. */
async function walked(ask: Get, token: string, search: string): Promise<{ all: string[]; totals: Set<number> }> {
  const all: string[] = [];
  const totals = new Set<number>();
  let path: string | undefined = `/api/events/${search}&page_size=7`;
  while (path !== undefined) {
    const response = await ask(path, token);
    all.push(...(await response.json<{ message: string }[]>()).map(({ message }) => message));
    totals.add(Number(response.headers.get("X-Result-Count")));
    path = linkOf(response, "next");
  }
  return { all, totals };
}

afterEach(forgetTomorrow);

describe.each([
  ["a number of its own", () => Promise.resolve(), 1000],
  ["the number of all types beyond the limits", withoutNumbersLeft, 999],
])("a type that the catalogue takes in after events of it had %s", (_what, prepare, number) => {
  async function aLogOfBoth() {
    await prepare();
    const before = Array.from({ length: 20 }, (_, index) => aPlanet(index));
    await recorded(...before);
    await load(bigLog(1_500, 5));
    await upgraded("planet_created");
    const tomorrow = await workerWith("planets", "planet_created");
    const after = Array.from({ length: 15 }, (_, index) => aPlanet(20 + index));
    await tomorrow.recorded(...after);
    expect(await numbersOf("planet_created")).toEqual([NEXT_NUMBER, number]);
    return { tomorrow, before, after, all: newestFirst([...before, ...after]) };
  }

  it("is found by each filter: each event once, with the exact total", async () => {
    const { token } = await aPerson({ staff: true });
    const { tomorrow, all } = await aLogOfBoth();
    const searches = [
      query(PLANET),
      query(["feature", "planets"]),
      query(PLANET, ["customer_uuid", CUSTOMERS[0] ?? ""]),
      query(["feature", "planets"], ["message", "planet"]),
      query(PLANET, ["auth_method", "token"]),
      query(PLANET, ["created_from", "1735689600"], ["created_to", "1893456000"]),
    ];

    for (const search of searches) {
      expect(await walked(tomorrow.get, token, search), search).toEqual({ all, totals: new Set([35]) });
      const count = await tomorrow.get(`/api/events/count/${search}`, token);
      expect(await count.json(), search).toEqual({ count: 35 });
    }
  });

  it("is found by those who may see its events only in part", async () => {
    const { token } = await aPerson({ uuid: ADA });
    const { tomorrow, all } = await aLogOfBoth();

    const search = query(PLANET, ["related_user_uuid", ADA]);
    expect(await walked(tomorrow.get, token, search)).toEqual({ all, totals: new Set([35]) });
    expect(await tomorrow.messages(token, query(PLANET))).toEqual([]);
  });

  it("is counted in each month, and shown under its name", async () => {
    const { token } = await aPerson({ staff: true });
    const { tomorrow, before, after } = await aLogOfBoth();
    const months = Map.groupBy([...before, ...after], ({ created }) =>
      new Date(created / 1000).toISOString().slice(0, 7),
    );

    const stats = await tomorrow.get("/api/events-stats/?feature=planets&page_size=100", token);
    const counted = (await stats.json<{ year: number; month: number; count: number }[]>()).map(
      ({ year, month, count }) => [`${year}-${String(month).padStart(2, "0")}`, count],
    );
    expect(new Map(counted as [string, number][])).toEqual(
      new Map([...months].map(([key, { length }]) => [key, length])),
    );
    const list = await tomorrow.get(`/api/events/${query(PLANET)}&page_size=100`, token);
    const names = (await list.json<{ event_type: string }[]>()).map(({ event_type }) => event_type);
    expect(names).toEqual(Array(35).fill("planet_created"));
    const one = await tomorrow.get(`/api/events/${before[0]?.uuid}/${query(PLANET)}`, token);
    expect(await one.json()).toMatchObject({ event_type: "planet_created", message: "planet 0" });
  });

  it("has another ETag after each new event, and the same one until then", async () => {
    const { token } = await aPerson({ staff: true });
    const { tomorrow } = await aLogOfBoth();
    const path = `/api/events/${query(PLANET)}`;
    const again = (etag: string) => tomorrow.get(path, token, { headers: { "If-None-Match": etag } });
    const first = (await tomorrow.get(path, token)).headers.get("ETag") ?? "";

    expect((await again(first)).status).toBe(304);
    await tomorrow.recorded(aPlanet(99));
    const changed = await again(first);
    expect([changed.status, changed.headers.get("X-Result-Count")]).toEqual([200, "36"]);
  });

  it("may teach where objects are, from events of before, too", async () => {
    const { before, after } = await aLogOfBoth();
    const { results } = await prepared(env.DB, eventsToLearnFrom(["waldur"], 0, 10_000)).all();

    const planets = results.filter(({ type }) => type === "planet_created").map(({ uuid }) => uuid);
    expect(planets).toEqual([...before, ...after].map(({ uuid }) => uuid));
  });

  it("leaves the totals when an event of either number is deleted", async () => {
    const { token } = await aPerson({ staff: true });
    const { tomorrow, before, after } = await aLogOfBoth();
    const gone = [before[3]?.uuid, after[3]?.uuid];
    await env.DB.prepare("DELETE FROM events WHERE uuid IN (?, ?)")
      .bind(...gone)
      .run();

    const count = await tomorrow.get(`/api/events/count/${query(PLANET)}`, token);
    expect(await count.json()).toEqual({ count: 33 });
  });

  it("is found and shown by a Worker with the catalogue of before, too", async () => {
    const { token } = await aPerson({ staff: true });
    const { all } = await aLogOfBoth();

    expect(await walked(get, token, query(PLANET))).toEqual({ all, totals: new Set([35]) });
    await recorded(aPlanet(99, { created: Date.UTC(2030, 0) * 1000 }));
    const [newest] = await (await get(`/api/events/${query(PLANET)}`, token)).json<{ event_type: string }[]>();
    expect(newest).toMatchObject({ event_type: "planet_created", message: "planet 99" });
    const second = await get(`/api/events/${query(PLANET, ["message", "planet 34"])}`, token);
    expect(await second.json()).toMatchObject([{ event_type: "planet_created" }]);
  });
});

describe("the migration that adds types to the catalogue", () => {
  it("leaves events, counters and index as they are, whatever was stored", async () => {
    await withoutNumbersLeft();
    await recorded(aPlanet(1), aPlanet(2, { eventType: "star_created" }));
    await recorded(aPlanet(3, { producer: "other" }));
    const state = async () => {
      const tables = ["events", "counters", "event_scopes", "event_index_data"];
      const all = await env.DB.batch(tables.map((table) => env.DB.prepare(`SELECT * FROM ${table}`)));
      return all.map(({ results }) => results);
    };
    const before = await state();
    const { meta } = await upgraded("planet_created", "star_created", "moon_created");

    expect(await state()).toEqual(before);
    expect(meta.rows_written).toBeLessThan(20);
    const { results } = await env.DB.prepare("SELECT name, type FROM earlier_types").all();
    expect(results).toEqual([
      { name: "planet_created", type: 999 },
      { name: "planet_created", type: 1000 + MAX_TYPES_OF_PRODUCER },
      { name: "star_created", type: 999 },
    ]);
  });

  it("lets later types of producers have numbers that no event has", async () => {
    await recorded(aPlanet(1));
    await upgraded("planet_created");
    const tomorrow = await workerWith("planets", "planet_created");
    await tomorrow.recorded(aPlanet(2), aPlanet(3, { eventType: "star_created" }));

    const { results } = await env.DB.prepare("SELECT id, name FROM event_types WHERE id >= ? ORDER BY id")
      .bind(NEXT_NUMBER)
      .all();
    expect(results).toEqual([
      { id: NEXT_NUMBER, name: "planet_created" },
      { id: 1000, name: "planet_created" },
      { id: 1001, name: "star_created" },
    ]);
  });
});

describe("what a request pays for earlier types", () => {
  it("is nothing in a warm isolate, and one round trip with one row in its first request with a type", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(anEvent({ eventType: "token_created" }));
    const ask = () => get(`/api/events/${query(["event_type", "token_created"])}`, token);
    await get("/api/events/", token);
    const first = await ask();
    const second = await ask();

    expect([trips(first), trips(second)]).toEqual([2, 1]);
    expect(rowsRead(first) - rowsRead(second)).toBe(1);
  });

  it("is no round trip of a request after a minute: the isolate learns after the response", async () => {
    const { token } = await aPerson({ staff: true });
    stopClock("2026-11-25T12:00:00Z");
    await recorded(aPlanet(1));
    const tomorrow = await workerWith("planets", "planet_created");
    await tomorrow.recorded(aPlanet(2));
    // The code runs before its migration.
    expect(await tomorrow.messages(token, query(PLANET))).toEqual(["planet 2"]);
    await upgraded("planet_created");
    later(61_000);
    await tomorrow.get("/api/events/", token);

    const stale = await tomorrow.get(`/api/events/${query(PLANET)}`, token);
    expect(trips(stale)).toBe(1);
    expect(await tomorrow.messages(token, query(PLANET))).toEqual(["planet 2", "planet 1"]);
  });
});

it("the catalogue has names that need no escape in the index, as its migrations assume", () => {
  expect(eventTypes.filter((name) => !/^[a-z0-9_]{1,64}$/.test(name))).toEqual([]);
  expect(eventTypes.length).toBeLessThan(999);
});

it("the catalogue of today knows nothing of the types of these tests", async () => {
  const { token } = await aPerson({ staff: true });
  await recorded(aPlanet(1));

  expect(await messages(token, query(["feature", "planets"]))).toEqual([]);
});
