import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
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
  it.each(PATHS)("of what %s has read goes out, and is taken when it comes back", async (path) => {
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

      expect(begun).toEqual(["first-unconstrained", BOOKMARK, "first-unconstrained"]);
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
    expect(new Set(begun)).toEqual(new Set(["first-unconstrained"]));
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
  ])("%s is none: 400, and the database is not asked", async (bookmark) => {
    const { token } = await aPerson({ staff: true });
    const { DB, begun } = watchedDatabase();

    const response = await get("/api/events/", token, { headers: { "x-d1-bookmark": bookmark } }, { DB });

    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ detail: "The header x-d1-bookmark is not a bookmark." });
    expect(begun).toEqual([]);
  });

  it("goes out with 304 and with errors as well, so that a client never falls behind", async () => {
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
  it.each(PATHS)("of %s tells staff the time, rows and trips of the database", async (path) => {
    const { token } = await aPerson({ staff: true });
    await recorded(anEvent());

    expect((await get(path, token)).headers.get("Server-Timing")).toMatch(
      /^d1;dur=\d+\.\d, rows_read;desc="\d+", rows_written;desc="0", trips;desc="[12]"$/, // 2 until the isolate knows the token
    );
  });

  it.each([
    ["support", { support: true }],
    ["others", {}],
  ])("is not told to %s", async (_who, user) => {
    const { token } = await aPerson(user);
    for (const path of PATHS) expect((await get(path, token)).headers.get("Server-Timing"), path).toBeNull();
  });

  it("is not told to whom nobody knows, nor for what is public", async () => {
    expect((await request("/api/events/")).headers.get("Server-Timing")).toBeNull();
    expect((await request("/healthz")).headers.get("Server-Timing")).toBeNull();
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
    batch.mockRestore();
  });

  it("does not grow with the rows of other pages", async () => {
    const { token } = await aPerson({ staff: true });
    // From here on, the isolate knows the token.
    await get("/api/events/", token);
    await recorded(...Array.from({ length: 20 }, (_, index) => anEvent({ created: index })));
    const before = (await get("/api/events/", token)).headers.get("Server-Timing")?.replace(/dur=[\d.]+/, "");
    await recorded(...Array.from({ length: 500 }, (_, index) => anEvent({ created: index })));

    expect((await get("/api/events/", token)).headers.get("Server-Timing")?.replace(/dur=[\d.]+/, "")).toBe(before);
  });
});
