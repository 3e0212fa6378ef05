import { describe, expect, it, vi } from "vitest";
import type { Env } from "../../src/env.ts";
import { aPerson } from "../support/people.ts";
import { anEvent, get, recorded, request } from "../support/world.ts";

const RESOURCES = [
  "/api/events/",
  "/api/events/count/",
  "/api/events/event_groups/",
  "/api/events/scope_types/",
  "/api/events/1/",
];
const METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"];
/** Headers that differ between two answers to the same question. */
const OWN_TO_EACH = ["x-request-id", "x-d1-bookmark", "server-timing"];
const NOT_ALLOWED = ["POST", "PUT", "PATCH", "DELETE"];

describe("a path without its slash is 301, before anybody is asked who they are", () => {
  it.each(RESOURCES)("for every method: to %s", async (path) => {
    for (const method of METHODS) {
      const response = await request(path.slice(0, -1), { method });
      expect(response.status, method).toBe(301);
      expect(response.headers.get("Location"), method).toBe(path);
    }
  });

  it.each([
    ["/api/events?page_size=2", "/api/events/?page_size=2"],
    ["/api/events?b=%2C&a=+x&b", "/api/events/?b=%2C&a=+x&b"],
    ["/api/events/count?event_type=a&event_type=b", "/api/events/count/?event_type=a&event_type=b"],
    ["/api/events/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9", "/api/events/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9/"],
  ])("%s keeps all the rest, relative: %s", async (path, location) => {
    expect((await request(path)).headers.get("Location")).toBe(location);
  });
});

describe("a method that is not there", () => {
  it.each(RESOURCES)("of %s is 401 without credentials", async (path) => {
    for (const method of NOT_ALLOWED) {
      const response = await request(path, { method });
      expect(response.status, method).toBe(401);
      expect(response.headers.get("WWW-Authenticate"), method).toBe("Token");
    }
  });

  it.each(RESOURCES)("of %s is 403 for support and for others", async (path) => {
    for (const token of [(await aPerson({ support: true })).token, (await aPerson()).token]) {
      for (const method of NOT_ALLOWED) {
        const response = await get(path, token, { method });
        expect(response.status, method).toBe(403);
        expect(await response.json()).toEqual({ detail: "You do not have permission to perform this action." });
      }
    }
  });

  it.each(RESOURCES)("of %s is 405 for staff, with Allow", async (path) => {
    const { token } = await aPerson({ staff: true });

    for (const method of NOT_ALLOWED) {
      const response = await get(path, token, { method, body: "{}" });
      expect(response.status, method).toBe(405);
      expect(response.headers.get("Allow"), method).toBe("GET, HEAD, OPTIONS");
      expect(await response.text()).toBe(`{"detail":"Method \\"${method}\\" not allowed."}`);
    }
  });

  it("changes nothing", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(anEvent());

    await get("/api/events/1/", token, { method: "DELETE" });
    await get("/api/events/", token, { method: "POST", body: '{"message":"x"}' });

    expect((await get("/api/events/", token)).headers.get("X-Result-Count")).toBe("1");
  });
});

describe("OPTIONS", () => {
  it.each(RESOURCES)("of %s is 200 with a description, for every user", async (path) => {
    for (const user of [{ staff: true }, { support: true }, {}]) {
      const response = await get(path, (await aPerson(user)).token, { method: "OPTIONS" });
      expect(response.status).toBe(200);
      expect(response.headers.get("Allow")).toBe("GET, HEAD, OPTIONS");
      expect(response.headers.get("Content-Type")).toBe("application/json");
      expect(await response.json()).toEqual({
        name: expect.any(String),
        description: "",
        renders: ["application/json"],
        parses: expect.any(Array),
      });
    }
  });

  it("calls the list Event List", async () => {
    const response = await get("/api/events/", (await aPerson({ staff: true })).token, { method: "OPTIONS" });

    expect(await response.json()).toMatchObject({ name: "Event List" });
  });

  it.each(RESOURCES)("of %s is 401 without credentials", async (path) => {
    expect((await request(path, { method: "OPTIONS" })).status).toBe(401);
  });
});

describe("HEAD", () => {
  it.each(RESOURCES)("of %s has status and headers of GET, its length too, and no body", async (path) => {
    const { token } = await aPerson({ staff: true });
    await recorded(anEvent({ message: "Õ" }));

    const head = await get(path, token, { method: "HEAD" });
    const body = await get(path, token);

    const told = (response: Response) => [...response.headers].filter(([name]) => !OWN_TO_EACH.includes(name));
    expect(head.status).toBe(200);
    expect(told(head)).toEqual(told(body));
    expect(head.headers.get("Content-Length")).toBe(String((await body.arrayBuffer()).byteLength));
    expect(await head.text()).toBe("");
  });

  it.each([
    ["/api/events/?page=2", 404],
    ["/api/events/?o=x", 400],
    ["/api/events/2/", 404],
    ["/api/nothing/", 404],
  ])("of %s is %i without a body", async (path, status) => {
    const response = await get(path, (await aPerson({ staff: true })).token, { method: "HEAD" });

    expect(response.status).toBe(status);
    expect(await response.text()).toBe("");
  });

  it.each(RESOURCES)("of %s is 401 without credentials", async (path) => {
    expect((await request(path, { method: "HEAD" })).status).toBe(401);
  });
});

it("an unknown path is 404 in JSON, whoever asks", async () => {
  const { token } = await aPerson({ staff: true });
  const unknown = [
    "/api/",
    "/api",
    "/api/nothing/",
    "/api/nothing",
    "/api//events/",
    "//api/events/",
    "/api/events//",
    "/api/events//count/",
    "/api/events/count//",
    "/api/events/1/extra/",
    "/api/events/count/history/",
    "/API/events/",
    "/api/Events/",
    "/events/",
  ];

  for (const path of unknown) {
    for (const response of [await request(path), await request(path, { method: "POST" }), await get(path, token)]) {
      expect(response.status, path).toBe(404);
      expect(response.headers.get("Content-Type"), path).toBe("application/json");
      expect(await response.text(), path).toBe('{"detail":"Not found."}');
    }
  }
});

describe("the suffix .json", () => {
  it.each([
    ["/api/events.json", "/api/events/"],
    ["/api/events.json?page_size=1&field=message", "/api/events/?page_size=1&field=message"],
    ["/api/events/1.json", "/api/events/1/"],
    ["/api/events/0a1b2c3d4e5f60718293a4b5c6d7e8f9.json", "/api/events/0a1b2c3d4e5f60718293a4b5c6d7e8f9/"],
    ["/api/events/count.json", "/api/events/count/"],
    ["/api/events/event_groups.json", "/api/events/event_groups/"],
    ["/api/events/scope_types.json", "/api/events/scope_types/"],
  ])("%s answers as %s", async (suffixed, path) => {
    const { token } = await aPerson({ staff: true });
    await recorded(anEvent({ uuid: "0a1b2c3d4e5f60718293a4b5c6d7e8f9" }), anEvent());

    const response = await get(suffixed, token);

    expect(response.status).toBe(200);
    expect(await response.text()).toBe(await (await get(path, token)).text());
  });

  it.each(["/api/events.json", "/api/events/1.json", "/api/events/count.json"])("%s asks who you are", async (path) => {
    expect((await request(path)).status).toBe(401);
  });

  it.each(["/api/events.xml", "/api/events/1.xml/", "/api/events/count.csv/", "/api.json"])(
    "there is no other: %s is 404",
    async (path) => {
      const { token } = await aPerson({ staff: true });
      await recorded(anEvent());

      expect((await get(path, token)).status).toBe(404);
    },
  );
});

describe("?format=", () => {
  it.each(["?format=json", "?format="])("%s is JSON", async (search) => {
    expect((await get(`/api/events/${search}`, (await aPerson({ staff: true })).token)).status).toBe(200);
  });

  it.each(["?format=xml", "?format=api", "?format=html", "?format=JSON"])("%s is 404", async (search) => {
    const response = await get(`/api/events/${search}`, (await aPerson({ staff: true })).token);

    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({ detail: "Not found." });
  });
});

describe("Accept", () => {
  it.each([
    "*/*",
    "application/json",
    "application/*",
    "APPLICATION/JSON",
    "application/json; indent=4",
    "application/json;charset=utf-8",
    "application/xml, application/json;q=0.5",
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "",
  ])("%j gives JSON", async (Accept) => {
    const response = await get("/api/events/", (await aPerson({ staff: true })).token, { headers: { Accept } });

    expect(response.status).toBe(200);
    expect(response.headers.get("Content-Type")).toBe("application/json");
  });

  it.each(["text/html", "text/html,application/xhtml+xml", "application/xml", "text/*", "application/jsonp", "json"])(
    "%j excludes JSON: 406",
    async (Accept) => {
      const response = await get("/api/events/", (await aPerson({ staff: true })).token, { headers: { Accept } });

      expect(response.status).toBe(406);
      expect(response.headers.get("Content-Type")).toBe("application/json");
      expect(await response.text()).toBe('{"detail":"Could not satisfy the request Accept header."}');
    },
  );

  it.each(RESOURCES)("holds for %s", async (path) => {
    const { token } = await aPerson({ staff: true });
    await recorded(anEvent());

    expect((await get(path, token, { headers: { Accept: "text/html" } })).status).toBe(406);
  });
});

it("texts are English, whatever Accept-Language says", async () => {
  const response = await get("/api/events/?page=99", (await aPerson({ staff: true })).token, {
    headers: { "Accept-Language": "de" },
  });

  expect(await response.json()).toEqual({ detail: "Invalid page." });
});

it("a failure of ours is a bare 500 with the request id, the reason told to the log only", async () => {
  const log = vi.spyOn(console, "error").mockImplementation(() => {});
  const broken = {
    withSession: () => broken,
    getBookmark: () => null,
    prepare() {
      throw new Error("the reason");
    },
  } as unknown as Env["DB"];

  const response = await request("/api/events/", { headers: { Authorization: "Token x" } }, { DB: broken });

  expect(response.status).toBe(500);
  expect(await response.json()).toEqual({
    detail: "Internal server error.",
    request_id: response.headers.get("X-Request-Id"),
  });
  expect(log).toHaveBeenCalledWith(expect.stringContaining("the reason"));
});
