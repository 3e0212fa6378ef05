import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { stopClock } from "../support/clock.ts";
import { aPerson } from "../support/people.ts";
import { anEvent, get, recorded, request } from "../support/world.ts";

const PATHS = [
  "/api/events/",
  "/api/events/count/",
  "/api/events/1/",
  "/api/events-stats/",
  "/api/events/event_groups/",
];
/** As D1 writes it. */
const BOOKMARK = "00000085-0000024c-00004c6d-8e61117bf38d7adb71b934ebbf891683";

/** The database, with a note of every constraint that a session was begun with. */
function watchedDatabase() {
  const begun: unknown[] = [];
  const DB = new Proxy(env.DB, {
    get: (target, name) =>
      name === "withSession"
        ? (constraint: string) => {
            begun.push(constraint);
            return target.withSession(constraint);
          }
        : Reflect.get(target, name),
  });
  return { DB, begun };
}

describe("the bookmark", () => {
  it.each(PATHS)("of %s is sent with the answer, and accepted in the next request", async (path) => {
    const { token } = await aPerson({ staff: true });
    await recorded(anEvent());

    const bookmark = (await get(path, token)).headers.get("x-d1-bookmark") ?? "";
    const response = await get(path, token, { headers: { "X-D1-Bookmark": bookmark } });

    expect(bookmark).toMatch(/^[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{32}$/);
    expect(response.status).toBe(200);
  });

  it.each([
    ["staff", { staff: true }],
    ["support", { support: true }],
  ])(
    "that %s sends is where the session goes on once they are known; without one any replica will do",
    async (_who, user) => {
      const { token } = await aPerson(user);
      const { DB, begun } = watchedDatabase();

      await get("/api/events/", token, { headers: { "x-d1-bookmark": BOOKMARK } }, { DB });
      await get("/api/events/", token, {}, { DB });

      // The token is looked up in the primary.
      expect(begun).toEqual(["first-unconstrained", "first-primary", BOOKMARK, "first-unconstrained"]);
    },
  );

  it.each(PATHS)("of %s is neither told to others nor taken from them, whatever the status", async (path) => {
    const { token, uuid } = await aPerson();
    const staff = await aPerson({ staff: true });
    await recorded(anEvent());
    const { DB, begun } = watchedDatabase();
    const sent = { "x-d1-bookmark": BOOKMARK };

    const responses = [
      await get(path, token, { headers: sent }, { DB }),
      await get(path, token, { headers: sent, method: "POST" }, { DB }),
      await get(path, staff.token, { headers: { ...sent, "X-Impersonated-User-Uuid": uuid } }, { DB }),
      await get(`${path}?page=9&o=x`, token, { headers: sent }, { DB }),
      await request(path, { headers: sent }, { DB }),
      await get(path, "unknown", { headers: sent }, { DB }),
    ];

    expect(responses.map(({ headers }) => headers.get("x-d1-bookmark"))).toEqual(responses.map(() => null));
    expect(new Set(begun)).toEqual(new Set(["first-unconstrained", "first-primary"]));
  });

  it.each([
    "first-primary",
    "first-unconstrained",
    "null",
    BOOKMARK.toUpperCase(),
    `${BOOKMARK}0`,
    BOOKMARK.slice(1),
    BOOKMARK.replaceAll("-", ""),
    `${BOOKMARK},${BOOKMARK}`,
    "'; DROP TABLE events; --",
  ])("that is none is 400, and the database is not asked: %s", async (bookmark) => {
    const { token } = await aPerson({ staff: true });
    const { DB, begun } = watchedDatabase();

    const response = await get("/api/events/", token, { headers: { "x-d1-bookmark": bookmark } }, { DB });

    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ detail: "The header x-d1-bookmark is not a bookmark." });
    expect(begun).toEqual([]);
  });

  it("is sent with 304 and with errors as well, so that a client never falls behind", async () => {
    const { token } = await aPerson({ staff: true });
    const tag = (await get("/api/events/", token)).headers.get("ETag") ?? "";

    for (const [path, init, status] of [
      ["/api/events/", { headers: { "If-None-Match": tag } }, 304],
      ["/api/events/?page=9", {}, 404],
    ] as const) {
      const response = await get(path, token, init);
      expect(response.status).toBe(status);
      expect(response.headers.get("x-d1-bookmark"), String(status)).toMatch(/^[0-9a-f-]+$/);
    }
  });
});

describe("Server-Timing", () => {
  const costing = (rows: number, trips: number) =>
    new RegExp(`^d1;dur=\\d+\\.\\d, rows_read;desc="${rows}", rows_written;desc="0", trips;desc="${trips}"$`);

  it.each([
    ["/api/events/", { rows: 5, trips: 1 }],
    ["/api/events/count/", { rows: 3, trips: 1 }],
    ["/api/events/1/", { rows: 1, trips: 1 }],
    ["/api/events-stats/", { rows: 3, trips: 1 }],
    ["/api/events/event_groups/", { rows: 0, trips: 0 }],
  ])(
    "of %s tells staff the time, rows and trips of the database, and those of looking up the token",
    async (path, cost) => {
      stopClock("2026-05-01T00:00:00Z");
      const { token } = await aPerson({ staff: true });
      await recorded(anEvent());
      const timing = async () => (await get(path, token)).headers.get("Server-Timing");

      expect(await timing()).toMatch(costing(cost.rows + 3, cost.trips + 1));
      expect(await timing()).toMatch(costing(cost.rows, cost.trips));
    },
  );

  it.each([
    ["support", { support: true }, 200],
    ["others", {}, 404],
  ])("is not told to %s", async (_who, user, ofOneEvent) => {
    const { token } = await aPerson(user);
    await recorded(anEvent());
    for (const path of PATHS) {
      const { status, headers } = await get(path, token);
      expect(status, path).toBe(path === "/api/events/1/" ? ofOneEvent : 200);
      expect(headers.get("Server-Timing"), path).toBeNull();
    }
  });

  it.each([
    ["to whom nobody knows", "/api/events/", 401],
    ["for what is public", "/healthz", 200],
  ])("is not told %s", async (_what, path, status) => {
    const response = await request(path);

    expect([response.status, response.headers.get("Server-Timing")]).toEqual([status, null]);
  });

  it("counts what was really asked of the database: trips are batches, rows are D1's own", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(...Array.from({ length: 20 }, () => anEvent()));
    const session = env.DB.withSession();
    const batch = vi.spyOn(Object.getPrototypeOf(session), "batch");

    const response = await get("/api/events/", token);

    const metered = await Promise.all(batch.mock.results.map(({ value }) => value as Promise<D1Result[]>));
    const rows = metered.flat().reduce((sum, { meta }) => sum + meta.rows_read, 0);
    expect(response.headers.get("Server-Timing")).toContain(`rows_read;desc="${rows}"`);
    expect(response.headers.get("Server-Timing")).toContain(`trips;desc="${batch.mock.calls.length}"`);
    expect(rows).toBeGreaterThan(20);
  });

  it("does not grow with the rows of other pages", async () => {
    stopClock("2026-05-01T00:00:00Z");
    const { token } = await aPerson({ staff: true });
    // From here on, the isolate knows the token.
    await get("/api/events/", token);
    const costOfFirstPage = async () => (await get("/api/events/", token)).headers.get("Server-Timing");
    await recorded(...Array.from({ length: 20 }, (_, index) => anEvent({ created: index })));
    expect(await costOfFirstPage()).toMatch(costing(23, 1));

    await recorded(...Array.from({ length: 500 }, (_, index) => anEvent({ created: index })));
    expect(await costOfFirstPage()).toMatch(costing(23, 1));
  });
});
