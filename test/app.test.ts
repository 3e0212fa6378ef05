import { describe, expect, it } from "vitest";
import { createApp } from "../src/app.ts";
import { aPerson } from "./support/people.ts";
import { anEvent, get, recorded, request } from "./support/world.ts";

/** Paths that answer anybody. Preflights and redirects to the path with a slash are public, too. */
const PUBLIC = ["/healthz", "/readyz", "/openapi.json"];

const METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"];

/** Every route as a concrete path; middleware of whole subtrees left out. */
function paths(): string[] {
  const routes = createApp().routes.filter(({ path }) => !path.includes("*"));
  return [...new Set(routes.map(({ path }) => path.replaceAll(/:[a-z_]+/gi, "1")))];
}

const redirects = (path: string) => path.startsWith("/api/") && !path.endsWith("/");

describe("every route", () => {
  it.each(paths().filter((path) => !PUBLIC.includes(path) && !redirects(path)))(
    "answers 401 unless it is on the public list: %s",
    async (path) => {
      await recorded(anEvent());

      for (const method of METHODS) {
        const response = await request(path, { method });
        expect(response.status, method).toBe(401);
        expect(response.headers.get("Location"), method).toBeNull();
      }
    },
  );

  it.each(paths().filter(redirects))("of the API has a slash at its end, to which it leads: %s", async (path) => {
    for (const method of METHODS) {
      const response = await request(path, { method });
      expect(response.status, method).toBe(301);
      expect(response.headers.get("Location"), method).toBe(`${path}/`);
      expect(await response.text(), method).toBe("");
    }
  });

  it("is among those found", () => {
    expect(paths()).toEqual(
      expect.arrayContaining([
        "/api/events/",
        "/api/events/count/",
        "/api/events/event_groups/",
        "/api/events/scope_types/",
        "/api/events/1/",
        "/api/events-stats/",
        "/ingest/1",
        "/ingest/1/1",
        "/healthz",
      ]),
    );
  });
});

it("/healthz answers anybody, and says no more than ok", async () => {
  const response = await request("/healthz");

  expect(response.status).toBe(200);
  expect(await response.json()).toEqual({ status: "ok" });
});

/** Every paged collection: how it is filled with eleven rows. */
const COLLECTIONS: [path: string, fill: () => Promise<unknown>][] = [
  ["/api/events/", () => recorded(...Array.from({ length: 11 }, () => anEvent()))],
  [
    "/api/events-stats/",
    () => recorded(...Array.from({ length: 11 }, (_, month) => anEvent({ created: Date.UTC(2025, month) * 1000 }))),
  ],
];

describe.each(COLLECTIONS)("the collection %s", (path, fill) => {
  it.each([
    ["page", "?page=2", 1],
    ["page=last", "?page=last", 1],
    ["page_size", "?page_size=4", 4],
    ["both", "?page_size=4&page=3", 3],
    ["neither", "", 10],
    ["page_size that is junk as the default", "?page_size=junk", 10],
    ["unknown parameters by ignoring them", "?unknown=1&page_sizes=2&__proto__=1", 10],
  ])("honours %s", async (_what, search, length) => {
    const { token } = await aPerson({ staff: true });
    await fill();

    const response = await get(path + search, token);

    expect(response.status).toBe(200);
    expect(await response.json()).toHaveLength(length);
    expect(response.headers.get("X-Result-Count")).toBe("11");
    expect(response.headers.get("Link")).toMatch(/^<[^>]+>; rel="first", .*<[^>]+>; rel="last"$/);
  });

  it.each(["?page=3", "?page=0", "?page=junk"])("is 404 for %s", async (search) => {
    const { token } = await aPerson({ staff: true });
    await fill();

    const response = await get(path + search, token);

    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({ detail: "Invalid page." });
  });

  it("answers HEAD with the headers of GET and no body", async () => {
    const { token } = await aPerson({ staff: true });
    await fill();

    const head = await get(`${path}?page=2`, token, { method: "HEAD" });
    const body = await get(`${path}?page=2`, token);

    for (const name of ["X-Result-Count", "Link", "Content-Type", "Content-Length", "Allow"]) {
      expect(head.headers.get(name)).not.toBeNull();
      expect(head.headers.get(name)).toBe(body.headers.get(name));
    }
    expect(await head.text()).toBe("");
  });

  it("keeps an unknown parameter in its links", async () => {
    const { token } = await aPerson({ staff: true });
    await fill();

    expect((await get(`${path}?unknown=1`, token)).headers.get("Link")).toMatch(/\?page=2[^&]*&unknown=1>; rel="next"/);
  });
});

describe.each([
  "/api/events/",
  "/api/events-stats/",
  "/api/events/count/",
  "/api/events/event_groups/",
  "/api/events/scope_types/",
])("clients find X-Result-Count in %s", (path) => {
  it.each(["GET", "HEAD"])("with %s", async (method) => {
    const { token } = await aPerson({ staff: true });

    expect((await get(path, token, { method })).headers.get("X-Result-Count")).toMatch(/^\d+$/);
  });
});
