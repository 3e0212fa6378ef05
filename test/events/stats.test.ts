import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { eventTypesOf } from "../../src/catalogue/data.ts";
import { bigLog, linkOf, load, TYPES, USERS } from "../support/big-log.ts";
import { aPerson } from "../support/people.ts";
import { Random } from "../support/random.ts";
import { anEvent, get, ORIGIN, query, recorded } from "../support/world.ts";

interface MonthCount {
  year: number;
  month: number;
  count: number;
}

const USER = "d".repeat(32);

/** An event at noon of a day. */
const on = (year: number, month: number, day: number, event: Parameters<typeof anEvent>[0] = {}) =>
  anEvent({ created: Date.UTC(year, month - 1, day, 12) * 1000, ...event });

async function stats(token: string, search = "") {
  const response = await get(`/api/events-stats/${search}`, token);
  expect(response.status, search).toBe(200);
  return { months: await response.json<MonthCount[]>(), total: response.headers.get("X-Result-Count") };
}

describe("GET /api/events-stats/", () => {
  it("counts the events of each UTC month that has any, newest month first", async () => {
    const { token } = await aPerson({ staff: true });
    const firstOfMay = Date.UTC(2025, 4, 1) * 1000;
    await recorded(
      on(2024, 12, 31),
      on(2025, 5, 3),
      on(2025, 5, 4),
      anEvent({ created: firstOfMay }),
      anEvent({ created: firstOfMay - 1 }),
      on(1969, 7, 20),
    );

    const { months, total } = await stats(token);

    expect(months).toEqual([
      { year: 2025, month: 5, count: 3 },
      { year: 2025, month: 4, count: 1 },
      { year: 2024, month: 12, count: 1 },
      { year: 1969, month: 7, count: 1 },
    ]);
    expect(Object.keys(months[0] ?? {})).toEqual(["year", "month", "count"]);
    expect(total).toBe("4");
  });

  it("is an empty list for an empty log, with the links of one page", async () => {
    const { token } = await aPerson({ staff: true });

    const response = await get("/api/events-stats/", token);

    expect(await response.text()).toBe("[]");
    expect(response.headers.get("X-Result-Count")).toBe("0");
    expect(response.headers.get("Link")).toBe(
      `<${ORIGIN}/api/events-stats/>; rel="first", <${ORIGIN}/api/events-stats/>; rel="last"`,
    );
  });

  it("is paged by months, with plain page numbers in its links", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(...Array.from({ length: 5 }, (_, index) => on(2025, index + 1, 1)));

    const response = await get("/api/events-stats/?page_size=2&page=2&created_from=junk", token);

    expect((await response.json<MonthCount[]>()).map(({ month }) => month)).toEqual([3, 2]);
    expect(response.headers.get("X-Result-Count")).toBe("5");
    const url = `${ORIGIN}/api/events-stats/?created_from=junk`;
    expect(response.headers.get("Link")).toBe(
      `<${url}&page_size=2>; rel="first", <${url}&page_size=2>; rel="prev", ` +
        `<${url}&page=3&page_size=2>; rel="next", <${url}&page=3&page_size=2>; rel="last"`,
    );
  });

  it.each(["2", "0", "-1", "junk", "1.0"])("has no page %s of a single one", async (page) => {
    const { token } = await aPerson({ staff: true });
    await recorded(on(2025, 5, 3));

    const response = await get(`/api/events-stats/?page=${page}`, token);

    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({ detail: "Invalid page." });
  });

  it("takes no page token", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(...Array.from({ length: 11 }, (_, index) => on(2025, index + 1, 1)));
    const next = linkOf(await get("/api/events/", token), "next") ?? "";
    expect(next).toMatch(/\?page=2\.\w+/);

    expect((await get(next, token)).status).toBe(200);
    expect((await get("/api/events-stats/?page=2", token)).status).toBe(200);
    expect((await get(next.replace("events", "events-stats"), token)).status).toBe(404);
  });

  it("leaves out a month whose last event has gone", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(on(2025, 5, 3), on(2025, 6, 3));
    await env.DB.exec("DELETE FROM events WHERE id = 1");

    expect((await stats(token)).months).toEqual([{ year: 2025, month: 6, count: 1 }]);
  });
});

describe("the filters of events-stats", () => {
  it("are event_type, feature and related_user_uuid, joined by AND", async () => {
    const { token } = await aPerson({ staff: true });
    const [type = ""] = eventTypesOf("projects");
    await recorded(
      on(2025, 5, 1, { eventType: type }),
      on(2025, 5, 2, { eventType: type, context: { user_uuid: USER } }),
      on(2025, 6, 2, { eventType: "odd", context: { affected_user_uuid: USER } }),
    );
    const counts = async (search: string) =>
      (await stats(token, search)).months.map(({ month, count }) => [month, count]);

    expect(await counts(query(["event_type", type]))).toEqual([[5, 2]]);
    expect(await counts(query(["event_type", type], ["event_type", "odd"]))).toEqual([
      [6, 1],
      [5, 2],
    ]);
    expect(await counts("?event_type=unheard+of")).toEqual([]);
    expect(await counts("?event_type=")).toEqual([]);
    expect(await counts("?feature=projects")).toEqual([[5, 2]]);
    expect(await counts("?feature=projects&event_type=odd")).toEqual([]);
    expect(await counts(`?related_user_uuid=${USER}`)).toEqual([
      [6, 1],
      [5, 1],
    ]);
    expect(await counts(`?related_user_uuid=${USER}&event_type=odd`)).toEqual([[6, 1]]);
  });

  it("are checked: a related_user_uuid that is none is 400", async () => {
    const { token } = await aPerson({ staff: true });

    const response = await get("/api/events-stats/?related_user_uuid=junk&created_from=junk", token);

    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ related_user_uuid: ["Enter a valid UUID."] });
  });

  it.each([
    "created_from=4000000000",
    "created_from=junk",
    "created_to=1",
    "created_to=NaN",
    "message=no+such+text",
    "message=%00",
    `customer_uuid=${USER}`,
    "customer_uuid=junk",
    "project_uuid=junk",
    "user_uuid=junk",
    "auth_method=pat",
    "pat_uuid=x",
    "o=created",
    "o=junk",
    "field=year",
  ])("do not include %s, which is ignored", async (ignored) => {
    const { token } = await aPerson({ staff: true });
    await recorded(on(2025, 5, 3), on(2025, 6, 3));

    expect((await stats(token, `?${ignored}`)).months).toEqual([
      { year: 2025, month: 6, count: 1 },
      { year: 2025, month: 5, count: 1 },
    ]);
  });

  it("count as a model does, whatever is asked", async () => {
    const { token } = await aPerson({ staff: true });
    const events = bigLog(2_000, 3);
    await load(events);
    const random = new Random(4);
    const someOf = (list: readonly string[]) => list.filter(() => random.next() < 0.4);

    for (let round = 0; round < 25; round++) {
      const types = someOf([...TYPES, "unheard of"]);
      const [user] = someOf([...USERS, USER]);
      const expected = new Map<string, number>();
      for (const { created, eventType, context } of events) {
        const { user_uuid, affected_user_uuid } = JSON.parse(context) as Record<string, string>;
        if (types.length > 0 && !types.includes(eventType)) continue;
        if (user !== undefined && ![user_uuid, affected_user_uuid].includes(user)) continue;
        const month = new Date(created / 1000).toISOString().slice(0, 7);
        expected.set(month, (expected.get(month) ?? 0) + 1);
      }
      const search = query(
        ...types.map((type): [string, string] => ["event_type", type]),
        ...(user === undefined ? [] : [["related_user_uuid", user] as const]),
        ["page_size", "300"],
      );

      const { months } = await stats(token, search);

      expect(
        months.map(({ year, month, count }) => [`${year}-${String(month).padStart(2, "0")}`, count]),
        search,
      ).toEqual([...expected].sort(([a], [b]) => (a < b ? 1 : -1)));
    }
  });
});

describe("who asks for events-stats", () => {
  it("sees everything as staff or support, nothing as another", async () => {
    await recorded(on(2025, 5, 3));

    for (const [user, total] of [
      [{ staff: true }, "1"],
      [{ support: true }, "1"],
      [{}, "0"],
    ] as const)
      expect((await stats((await aPerson(user)).token)).total, JSON.stringify(user)).toBe(total);
  });

  it("gets 405 for methods that are not there, whoever it is", async () => {
    for (const token of [
      (await aPerson({ staff: true })).token,
      (await aPerson({ support: true })).token,
      (await aPerson()).token,
    ])
      for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
        const response = await get("/api/events-stats/", token, { method });
        expect(response.status, method).toBe(405);
        expect(await response.json()).toEqual({ detail: `Method "${method}" not allowed.` });
        expect(response.headers.get("Allow")).toBe("GET, HEAD, OPTIONS");
      }
  });

  it("gets 404 for a single one: there is no such path", async () => {
    expect((await get("/api/events-stats/1/", (await aPerson({ staff: true })).token)).status).toBe(404);
  });

  it("finds the headers of GET with HEAD, and no body", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(on(2025, 5, 3));

    const head = await get("/api/events-stats/", token, { method: "HEAD" });
    const full = await get("/api/events-stats/", token);

    for (const name of ["X-Result-Count", "Link", "ETag", "Content-Length"])
      expect(head.headers.get(name), name).toBe(full.headers.get(name));
    expect(await head.text()).toBe("");
  });

  it("may ask by the suffix route and is sent to the path with a slash", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(on(2025, 5, 3));

    expect((await get("/api/events-stats.json", token)).headers.get("X-Result-Count")).toBe("1");
    expect((await get("/api/events-stats?page=1", token)).headers.get("Location")).toBe("/api/events-stats/?page=1");
  });
});
