import { describe, expect, it } from "vitest";
import { windowsOf } from "../../../src/events/list/windows.ts";
import { clearCaches } from "../../../src/http/cache.ts";
import { linkOf, load } from "../../support/big-log.ts";
import { aPerson } from "../../support/people.ts";
import { emptyStorage } from "../../support/storage.ts";
import { anEvent, get, hex, messages, recorded, rowsRead } from "../../support/world.ts";

const EVENTS = 6_000;
const START = Date.UTC(2025, 0, 1) * 1000;
const MINUTE = 60_000_000;
const CUSTOMER = hex("customer");
/** Rows of the rare events of a month, into which a page may move by one event: two for each, and a few counters. */
const A_MONTH_MORE = 24;
const JUNE = `created_from=${Date.UTC(2025, 5, 1) / 1000}`;

/** One event every two hours for 500 days, the oldest first; one of 150 of a rare type, some of those of a customer. */
const aLog = () =>
  Array.from({ length: EVENTS }, (_, index) =>
    anEvent({
      created: START + index * 120 * MINUTE,
      eventType: index % 150 === 0 ? "token_created" : "issue_creation_succeeded",
      message: `event ${index}`,
      context: index % 3 === 0 ? { customer_uuid: CUSTOMER } : {},
    }),
  );

/** An event of the rare type and the customer, dated in a year to come. */
const dated = (year: number) =>
  anEvent({
    created: Date.UTC(year, 5, 6) * 1000,
    eventType: "token_created",
    message: `dated ${year}`,
    context: { customer_uuid: CUSTOMER },
  });

const SEARCHES = [
  ...["", "page_size=100", "o=created", "page=200", "page=last", "o=created&page=200"],
  ...["event_type=token_created", "event_type=token_created&page=3", "event_type=token_created&page=last"],
  ...[`customer_uuid=${CUSTOMER}`, `customer_uuid=${CUSTOMER}&page=60`, `customer_uuid=${CUSTOMER}&page=last`],
  ...[`customer_uuid=${CUSTOMER}&event_type=token_created`, "o=created&event_type=token_created&page=3"],
  ...[JUNE, `${JUNE}&event_type=token_created`, `${JUNE}&customer_uuid=${CUSTOMER}`],
];

/** The rows that each request reads, also when it is asked again, from a log of which one event is dated 2099. */
async function rowsWith(stored: "never" | "first" | "in the middle" | "last"): Promise<Map<string, number>> {
  await emptyStorage();
  clearCaches();
  const { token } = await aPerson({ staff: true });
  const events = aLog();
  const at = { never: -1, first: 0, "in the middle": EVENTS / 2, last: EVENTS }[stored];
  await load(events.slice(0, Math.max(0, at)));
  if (at >= 0) await recorded(dated(2099));
  await load(events.slice(Math.max(0, at)));
  const rows = new Map<string, number>();
  const ask = async (path: string, name = path) => {
    const response = await get(path, token);
    expect(response.status, path).toBe(200);
    rows.set(name, rowsRead(response));
    return response;
  };
  for (const search of SEARCHES) {
    const list = await ask(`/api/events/?${search}`);
    await ask(`/api/events/?${search}`, `${search} again`);
    const next = linkOf(list, "next");
    if (next !== undefined) await ask(next, `${search} next`);
    await ask(`/api/events/count/?${search}`);
  }
  for (const stats of ["", "event_type=token_created"]) await ask(`/api/events-stats/?${stats}`);
  return rows;
}

describe("an event dated 2099 among thousands", () => {
  it.each(["first", "in the middle", "last"] as const)(
    "that was stored %s makes no request read more than a few rows more",
    async (stored) => {
      const without = await rowsWith("never");
      const rows = await rowsWith(stored);

      const more = [...rows].map(([name, n]) => [name, n - (without.get(name) ?? 0)] as const);
      expect(more.filter(([, n]) => !(n <= A_MONTH_MORE))).toEqual([]);
    },
  );
});

it("events dated in many years to come are listed and counted exactly, among the others of their type", async () => {
  const { token } = await aPerson({ staff: true });
  const events = aLog();
  const years = [2099, 2030, 2077, 2050, 2255, 2044, 2033];
  const late = years.map((year) => dated(year === 2255 ? 2254 : year));
  for (const [index, event] of late.entries()) {
    await recorded(event);
    await load(events.slice(index * 850, index === late.length - 1 ? undefined : (index + 1) * 850));
  }
  const rare = [...events, ...late].filter(({ eventType }) => eventType === "token_created");
  const expected = rare.sort((a, b) => b.created - a.created).map(({ message }) => message);

  for (const order of ["", "&o=created"]) {
    const all: string[] = [];
    let path: string | undefined = `/api/events/?event_type=token_created&page_size=7${order}`;
    while (path !== undefined) {
      // The second time with what the isolate has learned from the first.
      await (await get(path, token)).body?.cancel();
      const response = await get(path, token);
      all.push(...(await response.json<{ message: string }[]>()).map(({ message }) => message));
      expect(response.headers.get("X-Result-Count")).toBe(String(rare.length));
      path = linkOf(response, "next");
    }
    expect(all).toEqual(order === "" ? expected : expected.toReversed());
  }
  const firstPage = () => messages(token, "?event_type=token_created&page_size=20");
  expect(await firstPage()).toEqual(expected.slice(0, 20));
  await recorded(dated(2020), dated(2100));
  // The isolate remembers where it has found the first page.
  const [latest = "", ...others] = expected;
  expect(await firstPage()).toEqual([latest, "dated 2100", ...others].slice(0, 20));
});

describe("windows of ids", () => {
  it.each([
    ["nothing", [], []],
    ["one period", [[3, 9]], [[3, 9]]],
    [
      "periods that follow each other",
      [
        [500, 900],
        [1, 499],
      ],
      [[1, 900]],
    ],
    [
      "a period within another",
      [
        [1, 900],
        [5, 7],
      ],
      [[1, 900]],
    ],
    [
      "a small gap",
      [
        [1, 100],
        [250, 900],
      ],
      [[1, 900]],
    ],
    [
      "a wide gap",
      [
        [1_000, 2_000],
        [5, 5],
      ],
      [
        [5, 5],
        [1_000, 2_000],
      ],
    ],
    [
      "more gaps than a statement has windows: the narrowest are read, too",
      [
        [1, 1],
        [2_000, 2_000],
        [9_000, 9_000],
        [9_500, 9_500],
        [20_000, 20_000],
        [40_000, 40_001],
      ],
      [
        [1, 2_000],
        [9_000, 9_500],
        [20_000, 20_000],
        [40_000, 40_001],
      ],
    ],
  ])("of %s", (_what, periods, expected) => {
    const windows = windowsOf(periods.map(([min = 0, max = 0]) => ({ min, max })));
    expect(windows).toEqual(expected.map(([min, max]) => ({ min, max })));
  });
});
