import { describe, expect, it, vi } from "vitest";
import type { Env } from "../../src/env.ts";
import { aPerson } from "../support/people.ts";
import { get, request } from "../support/world.ts";

const PAGE = "https://portal.example.org";
const OTHER = "https://console.example.org";
const asPreflight = (Origin = PAGE, wanted = "authorization") => ({
  method: "OPTIONS",
  headers: {
    Origin,
    "Access-Control-Request-Method": "GET",
    "Access-Control-Request-Headers": wanted,
  },
});

/** What the gateways of Waldur's examples let pages send: nginx of waldur-docker-compose, Gateway API of waldur-helm. */
const ALLOWED_BY_WALDUR = [
  "Accept",
  "Accept-Encoding",
  "Authorization",
  "Cache-Control",
  "Content-Type",
  "DNT",
  "If-Modified-Since",
  "Keep-Alive",
  "Origin",
  "Range",
  "User-Agent",
  "X-CSRFToken",
  "X-Impersonated-User-Uuid",
  "X-Requested-With",
  "baggage",
  "sentry-trace",
];
/** What HomePort sends as well, and what else the read endpoints know. */
const ALLOWED_BESIDES = ["Accept-Language", "If-None-Match", "Last-Event-ID", "x-d1-bookmark"];

const words = (header: string | null) => header?.toLowerCase().split(/\s*,\s*/) ?? [];

describe("a preflight", () => {
  it.each([
    "/api/events/",
    "/api/events/count/",
    "/api/events/event_groups/",
    "/api/events/scope_types/",
    "/api/events/1/",
    "/api/events.json",
    "/api/events",
    "/api/nothing/",
  ])("of %s is an empty 200 without credentials", async (path) => {
    const response = await request(path, asPreflight());

    expect(response.status).toBe(200);
    expect(await response.text()).toBe("");
    expect(response.headers.get("Access-Control-Allow-Origin")).toBe("*");
    expect(words(response.headers.get("Access-Control-Allow-Methods"))).toEqual(
      expect.arrayContaining(["get", "head", "options"]),
    );
    expect(words(response.headers.get("Access-Control-Allow-Headers"))).toContain("authorization");
  });

  it.each([...ALLOWED_BY_WALDUR, ...ALLOWED_BESIDES])("lets a page send %s", async (header) => {
    const preflight = await request("/api/events/", asPreflight(PAGE, header.toLowerCase()));

    expect(words(preflight.headers.get("Access-Control-Allow-Headers"))).toContain(header.toLowerCase());
  });

  it("lets a page send all of them at once", async () => {
    const wanted = [...ALLOWED_BY_WALDUR, ...ALLOWED_BESIDES].map((header) => header.toLowerCase()).sort();

    const preflight = await request("/api/events/", asPreflight(PAGE, wanted.join(",")));

    expect(preflight.status).toBe(200);
    expect(words(preflight.headers.get("Access-Control-Allow-Headers")).sort()).toEqual(wanted);
  });

  it("looks at no credentials, not even bad ones", async () => {
    const preflight = asPreflight();

    const response = await request("/api/events/", {
      ...preflight,
      headers: { ...preflight.headers, Authorization: "Token nobody" },
    });

    expect(response.status).toBe(200);
    expect(await response.text()).toBe("");
  });

  it("is only what has Access-Control-Request-Method: any other OPTIONS asks who you are", async () => {
    const response = await request("/api/events/", { method: "OPTIONS", headers: { Origin: PAGE } });

    expect(response.status).toBe(401);
  });

  it("is only an OPTIONS: a GET with that header asks who you are", async () => {
    const response = await request("/api/events/", { headers: asPreflight().headers });

    expect(response.status).toBe(401);
  });
});

describe("every origin may read, and see Link and X-Result-Count,", () => {
  it.each<[answer: string, status: number, path: string, headers: Record<string, string>]>([
    ["an answer", 200, "/api/events/", {}],
    ["a bad request", 400, "/api/events/?o=x", {}],
    ["a refusal", 401, "/api/events/", { Authorization: "Token nobody" }],
    ["a page that is not there", 404, "/api/events/?page=2", {}],
    ["a path that is not there", 404, "/api/nothing/", {}],
    ["an unacceptable Accept", 406, "/api/events/", { Accept: "text/html" }],
    ["a redirect", 301, "/api/events", {}],
    ["an answer that has not changed", 304, "/api/events/event_groups/", { "If-None-Match": "*" }],
  ])("of %s (%i)", async (_answer, status, path, headers) => {
    const { token } = await aPerson({ staff: true });

    const response = await get(path, token, { headers: { Origin: PAGE, ...headers } });

    expect(response.status).toBe(status);
    expect(response.headers.get("Access-Control-Allow-Origin")).toBe("*");
    expect(words(response.headers.get("Access-Control-Expose-Headers"))).toEqual(
      expect.arrayContaining(["link", "x-result-count"]),
    );
  });

  it.each([
    [403, { support: true }],
    [405, { staff: true }],
  ])("of a method that is not there (%i)", async (status, user) => {
    const { token } = await aPerson(user);

    const response = await get("/api/events/", token, { method: "POST", headers: { Origin: PAGE } });

    expect(response.status).toBe(status);
    expect(response.headers.get("Access-Control-Allow-Origin")).toBe("*");
  });

  it("of a failure of ours (500)", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const broken = {} as Env["DB"];

    const response = await get("/api/events/", "x", { headers: { Origin: PAGE } }, { DB: broken });

    expect(response.status).toBe(500);
    expect(response.headers.get("Access-Control-Allow-Origin")).toBe("*");
  });
});

describe("with a list of origins", () => {
  const CORS_ORIGINS = `${PAGE}, ${OTHER}`;

  it.each([PAGE, OTHER])("%s is let in by its name", async (Origin) => {
    const { token } = await aPerson({ staff: true });

    const answer = await get("/api/events/", token, { headers: { Origin } }, { CORS_ORIGINS });
    const preflight = await request("/api/events/", asPreflight(Origin), { CORS_ORIGINS });

    for (const response of [answer, preflight]) {
      expect(response.status).toBe(200);
      expect(response.headers.get("Access-Control-Allow-Origin")).toBe(Origin);
      expect(words(response.headers.get("Vary"))).toContain("origin");
    }
    expect(words(answer.headers.get("Vary"))).toContain("accept");
  });

  it.each([
    "https://evil.example.com",
    "https://portal.example.org.evil.example.com",
    "http://portal.example.org",
    "https://portal.example.org:8443",
    "null",
    "",
  ])("%j is told nothing", async (Origin) => {
    const { token } = await aPerson({ staff: true });

    const answer = await get("/api/events/", token, { headers: { Origin } }, { CORS_ORIGINS });
    const preflight = await request("/api/events/", asPreflight(Origin), { CORS_ORIGINS });

    for (const response of [answer, preflight]) {
      expect(response.headers.has("Access-Control-Allow-Origin")).toBe(false);
      expect(response.headers.has("Access-Control-Allow-Headers")).toBe(false);
      expect(words(response.headers.get("Vary"))).toContain("origin");
    }
  });

  it("errors are for the listed origins only, too", async () => {
    const bindings = { CORS_ORIGINS };

    const listed = await request("/api/events/", { headers: { Origin: OTHER } }, bindings);
    const other = await request("/api/events/", { headers: { Origin: "https://evil.example.com" } }, bindings);

    expect([listed.status, other.status]).toEqual([401, 401]);
    expect(listed.headers.get("Access-Control-Allow-Origin")).toBe(OTHER);
    expect(other.headers.has("Access-Control-Allow-Origin")).toBe(false);
  });
});

it("no origin is let in when none is configured", async () => {
  const { token } = await aPerson({ staff: true });

  const response = await get("/api/events/", token, { headers: { Origin: PAGE } }, { CORS_ORIGINS: "" });

  expect(response.status).toBe(200);
  expect(response.headers.has("Access-Control-Allow-Origin")).toBe(false);
});

it.each(["*", PAGE])("credentials by cookie are not allowed where the origins are %j", async (CORS_ORIGINS) => {
  const { token } = await aPerson({ staff: true });

  const answer = await get("/api/events/", token, { headers: { Origin: PAGE } }, { CORS_ORIGINS });
  const preflight = await request("/api/events/", asPreflight(), { CORS_ORIGINS });

  for (const { status, headers } of [answer, preflight]) {
    expect([status, headers.get("Access-Control-Allow-Origin")]).toEqual([200, CORS_ORIGINS]);
    expect(headers.has("Access-Control-Allow-Credentials")).toBe(false);
  }
});
