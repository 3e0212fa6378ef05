import { describe, expect, it } from "vitest";
import groups from "../../src/catalogue/event-groups.json" with { type: "json" };
import keysByType from "../../src/catalogue/event-scope-keys.json" with { type: "json" };
import eventTypes from "../../src/catalogue/event-types.json" with { type: "json" };
import scopeTypes from "../../src/catalogue/scope-types.json" with { type: "json" };
import { aPerson } from "../support/people.ts";
import { get, request } from "../support/world.ts";

describe("the data", () => {
  it("has 26 groups and 66 scope types, none twice", () => {
    expect(Object.keys(groups)).toHaveLength(26);
    expect(scopeTypes).toHaveLength(66);
    expect(new Set(scopeTypes).size).toBe(66);
  });

  it("has 349 event types, none twice", () => {
    expect(eventTypes).toHaveLength(349);
    expect(new Set(eventTypes).size).toBe(349);
  });

  it("knows every type of every group, none of which is empty or names a type twice", () => {
    for (const [group, types] of Object.entries(groups)) {
      expect(types.filter((type) => !eventTypes.includes(type))).toEqual([]);
      expect(new Set(types).size, group).toBe(types.length);
      expect(types.length, group).toBeGreaterThan(0);
    }
  });

  it("knows every type that has a series", () => {
    expect(Object.keys(keysByType).filter((type) => !eventTypes.includes(type))).toEqual([]);
  });

  it("writes scope types as app_label.modelname", () => {
    expect(scopeTypes.filter((type) => !/^[a-z_]+\.[a-z]+$/.test(type))).toEqual([]);
  });
});

describe.each([
  ["event_groups", groups, 26],
  ["scope_types", scopeTypes, 66],
])("GET /api/events/%s/", (segment, data, count) => {
  const path = `/api/events/${segment}/`;

  it.each([
    ["staff", { staff: true }],
    ["support", { support: true }],
    ["an ordinary user", {}],
  ])("gives %s all of it, in its order", async (_who, user) => {
    const { token } = await aPerson(user);

    const response = await get(path, token);

    expect(response.status).toBe(200);
    expect(response.headers.get("Content-Type")).toBe("application/json");
    expect(response.headers.get("X-Result-Count")).toBe(String(count));
    expect(await response.text()).toBe(JSON.stringify(data));
  });

  it.each(["?page=99", "?page_size=1", "?o=foo", "?customer_uuid=abc", "?feature=projects", "?field=auth"])(
    "knows no filters and no pages: %s changes nothing",
    async (search) => {
      const { token } = await aPerson({ staff: true });

      const response = await get(path + search, token);

      expect(response.status).toBe(200);
      expect(await response.json()).toEqual(data);
    },
  );

  it("may be kept long by the caller only", async () => {
    const { token } = await aPerson({ staff: true });

    const cacheControl = (await get(path, token)).headers.get("Cache-Control") ?? "";

    expect(cacheControl).toContain("private");
    expect(Number(/max-age=(\d+)/.exec(cacheControl)?.[1])).toBeGreaterThanOrEqual(3600);
  });

  it.each([
    ["the ETag", (etag: string) => etag],
    ["the ETag among others", (etag: string) => `"other", ${etag}`],
    ["the ETag in its strong form", (etag: string) => etag.replace(/^W\//, "")],
    ["anything", () => "*"],
  ])("is 304 without a body for If-None-Match with %s", async (_what, header) => {
    const { token } = await aPerson({ staff: true });
    const etag = (await get(path, token)).headers.get("ETag") ?? "";
    expect(etag).toMatch(/^(W\/)?"[^"]+"$/);

    for (const method of ["GET", "HEAD"]) {
      const response = await get(path, token, { method, headers: { "If-None-Match": header(etag) } });
      expect(response.status).toBe(304);
      expect(await response.text()).toBe("");
      expect(response.headers.get("ETag")).toBe(etag);
      expect(response.headers.get("Cache-Control")).toContain("private");
      expect(response.headers.get("X-Result-Count")).toBe(String(count));
    }
  });

  it("is 200 for another If-None-Match", async () => {
    const { token } = await aPerson({ staff: true });

    expect((await get(path, token, { headers: { "If-None-Match": '"other"' } })).status).toBe(200);
  });

  it("is 401, never 304, for somebody unknown who knows the ETag", async () => {
    const etag = (await get(path, (await aPerson({ staff: true })).token)).headers.get("ETag") ?? "";

    for (const header of [etag, "*"]) {
      expect((await request(path, { headers: { "If-None-Match": header } })).status).toBe(401);
    }
  });
});

it("the ETags of the two differ", async () => {
  const { token } = await aPerson({ staff: true });

  const first = (await get("/api/events/event_groups/", token)).headers.get("ETag");
  const second = (await get("/api/events/scope_types/", token)).headers.get("ETag");

  expect(first).not.toBe(second);
});
