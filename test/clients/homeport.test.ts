import { beforeEach, describe, expect, it } from "vitest";
import type { NewEvent } from "../../src/events/event.ts";
import { linkOf, load } from "../support/big-log.ts";
import { aPerson } from "../support/people.ts";
import { anEvent, dashed, get, hex } from "../support/world.ts";
import { HomePort, type TableFilter } from "./homeport.ts";

const CUSTOMER = hex("customer");
const SECOND = 1_000_000;
const NEWEST = 1_700_000_000 * SECOND;
const TYPES = ["project_creation_succeeded", "project_update_succeeded", "user_activated"];

/** 700 events, three of each second, newest first and then in the order of their ids: the order of the list. */
const someEvents = (): NewEvent[] =>
  Array.from({ length: 700 }, (_, index) =>
    anEvent({
      created: NEWEST - Math.floor(index / 3) * SECOND,
      eventType: TYPES[index % TYPES.length] ?? "",
      message: `Event ${index} of Õie`,
      context: index % 2 === 0 ? { customer_uuid: CUSTOMER, project_uuid: hex("project") } : {},
    }),
  );

let events: NewEvent[];
let homePort: HomePort;
beforeEach(async () => {
  events = someEvents();
  await load(events);
  homePort = new HomePort((await aPerson({ staff: true })).token);
});

const uuidsOf = (all: readonly NewEvent[]): string[] => all.map(({ uuid }) => uuid);

describe("a table of HomePort", () => {
  it("shows a page, the total and the number of the next page", async () => {
    const { rows, resultCount, nextPage } = await homePort.table({}, 1, 10);

    expect(rows.map(({ uuid }) => uuid)).toEqual(uuidsOf(events.slice(0, 10)));
    expect([resultCount, nextPage]).toEqual([700, 2]);
  });

  it("shows the same events for page 2 as for the token that begins with 2", async () => {
    const first = await homePort.request({}, 1, 10);
    const next = linkOf(first, "next") ?? "no next page";
    const { token } = await aPerson({ staff: true });

    const byToken = await get(next, token);

    expect(next).toMatch(/[?&]page=2\.a_/);
    expect(await byToken.json()).toEqual((await homePort.table({}, 2, 10)).rows);
  });

  it("filters by repeated parameters", async () => {
    const { rows, resultCount } = await homePort.table(
      { event_type: ["project_creation_succeeded", "user_activated"] },
      1,
      10,
    );

    expect(rows.map(({ uuid }) => uuid)).toEqual(uuidsOf(events.filter((_, index) => index % 3 !== 1).slice(0, 10)));
    expect(resultCount).toBe(467);
  });

  it("asks for some fields only, repeated, when it knows its columns", async () => {
    const { rows } = await homePort.table({ field: ["uuid", "message"] }, 1, 10);

    expect(rows[0]).toEqual({ uuid: events[0]?.uuid, message: "Event 0 of Õie" });
  });

  it("of an object has the events of its URL at Waldur", async () => {
    const scope = `https://waldur.example.com/api/customers/${dashed(CUSTOMER)}/`;

    const { resultCount } = await homePort.table({ scope, feature: ["projects"] }, 1, 10);

    expect(resultCount).toBe(233);
  });

  it("of an object without events is empty, and no error", async () => {
    const scope = `https://waldur.example.com/api/marketplace-resources/${hex("new")}/`;

    expect(await homePort.table({ scope }, 1, 10)).toEqual({ rows: [], resultCount: 0, nextPage: undefined });
  });

  it("is sorted by time, in both directions", async () => {
    const oldest = await homePort.table({ o: "created" }, 1, 3);
    const newest = await homePort.table({ o: ["-created"] }, 1, 3);

    expect(oldest.rows[0]?.uuid).toBe(events.at(-1)?.uuid);
    expect(newest.rows[0]?.uuid).toBe(events[0]?.uuid);
  });

  it("gets the words at which it goes back to page 1, for a page that has gone", async () => {
    const response = await homePort.request({}, 71, 10);

    expect([response.status, await response.json()]).toEqual([404, { detail: "Invalid page." }]);
  });
});

describe.each<[what: string, filter: TableFilter, expected: (event: NewEvent, index: number) => boolean]>([
  ["all events", {}, () => true],
  [
    "the events of some types",
    { event_type: ["project_creation_succeeded", "user_activated"] },
    (_, index) => index % 3 !== 1,
  ],
  ["the events of a group", { feature: ["projects"] }, (_, index) => index % 3 !== 2],
  [
    "the events of a customer",
    { scope: `/api/customers/${CUSTOMER}/` },
    (_, index) => index % 2 === 0 && index % 3 !== 2,
  ],
  ["the events with a text", { message: "of õ" }, () => true],
])("an export of HomePort, of %s,", (_what, filter, isExpected) => {
  const expected = () => events.filter(isExpected);

  it.each([800, 300, 50])("in pages of %i, has each event once and in order", async (pageSize) => {
    expect(await homePort.exported(filter, pageSize)).toEqual(uuidsOf(expected()));
    expect(homePort.asked).toHaveLength(Math.ceil(expected().length / Math.min(pageSize, 300)));
  });

  it("has the same events when HomePort counts the pages itself", async () => {
    expect(await homePort.allPages(filter, 300)).toEqual(uuidsOf(expected()));
  });

  it("oldest first has each event once, too", async () => {
    const exported = await homePort.exported({ ...filter, o: "created" }, 300);

    expect(new Set(exported)).toEqual(new Set(uuidsOf(expected())));
    expect(exported).toHaveLength(expected().length);
  });
});
