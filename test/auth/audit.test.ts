import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Env } from "../../src/env.ts";
import { aPerson } from "../support/people.ts";
import { anEvent, get, query, recorded, request } from "../support/world.ts";

afterEach(() => vi.restoreAllMocks());

/** The lines a request leaves in the log. */
async function logged(token: string, path: string, init: RequestInit = {}, bindings: Partial<Env> = { AUDIT: "on" }) {
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  const response = await get(path, token, init, bindings);
  return { response, lines: log.mock.calls.map(([line]): unknown => JSON.parse(String(line))) };
}

describe("a read by staff leaves one line", () => {
  it("of who, what filter, and how many events", async () => {
    const { token, uuid } = await aPerson({ staff: true });
    await recorded(anEvent(), anEvent(), anEvent());

    const { response, lines } = await logged(token, "/api/events/?page_size=2&o=created");

    expect(lines).toEqual([
      {
        level: "info",
        event: "audit",
        request: response.headers.get("X-Request-Id"),
        actor: uuid,
        method: "GET",
        path: "/api/events/",
        filter: "page_size=2&o=created",
        status: 200,
        rows: 2,
      },
    ]);
  });

  it.each([
    ["/api/events/1/", 200, 1],
    ["/api/events/9/", 404, 0],
    ["/api/events/count/", 200, 0],
    ["/api/events/?o=x", 400, 0],
  ])("for %s", async (path, status, rows) => {
    const { token } = await aPerson({ support: true });
    await recorded(anEvent());

    expect((await logged(token, path)).lines).toEqual([expect.objectContaining({ status, rows })]);
  });

  it("with the impersonator, when staff act as somebody else", async () => {
    const [staff, user] = [await aPerson({ staff: true }), await aPerson()];

    const { lines } = await logged(staff.token, "/api/events/", { headers: { "X-Impersonated-User-Uuid": user.uuid } });

    expect(lines).toEqual([expect.objectContaining({ actor: user.uuid, impersonator: staff.uuid })]);
  });

  it("without what people wrote, and without what may be a secret", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(anEvent({ message: "Pssst", context: { password: "hunter2" } }));

    const { lines } = await logged(token, `/api/events/${query(["message", "pssst"], ["x-auth-token", "xyz"])}`);

    expect(JSON.stringify(lines)).not.toMatch(/pssst|hunter2|xyz/i);
    expect(lines).toEqual([
      expect.objectContaining({ filter: "message=%285+characters%29&x-auth-token=%283+characters%29" }),
    ]);
  });
});

it("nothing is told of ordinary users, of those we do not know, or when it is switched off", async () => {
  const [user, staff] = [await aPerson(), await aPerson({ staff: true })];

  expect((await logged(user.token, "/api/events/")).lines).toEqual([]);
  expect((await logged("nobody's", "/api/events/")).lines).toEqual([]);
  expect((await logged(staff.token, "/api/events/", {}, { AUDIT: "off" })).lines).toEqual([]);
});

it("the log of a failure holds neither tokens nor what was searched for", async () => {
  const { token, hash } = await aPerson({ staff: true });
  const error = vi.spyOn(console, "error").mockImplementation(() => {});
  await env.DB.prepare("DROP TABLE events").run();

  const response = await get("/api/events/?message=hunter2", token);

  expect(response.status).toBe(500);
  const [[line] = []] = error.mock.calls;
  expect(line).toContain("no such table");
  expect(line).not.toMatch(/hunter2/i);
  expect(line).not.toContain(hash);
});

describe("every answer", () => {
  it.each([
    ["/api/events/", 200],
    ["/api/events/?o=x", 400],
    ["/api/events/99/", 404],
    ["/api/events", 301],
    ["/api/nothing/", 404],
    ["/healthz", 200],
    ["/openapi.json", 200],
    ["/ingest/waldur", 401],
  ])("%s carries a request id and the security headers, and tells nothing of what runs it", async (path, status) => {
    const { token } = await aPerson({ staff: true });

    const { status: answered, headers } = await get(path, token);

    expect(answered).toBe(status);
    expect(headers.get("X-Request-Id")).toMatch(/^[\w-]{10,}$/);
    expect(headers.get("X-Content-Type-Options")).toBe("nosniff");
    expect(headers.get("Content-Security-Policy")).toBe("default-src 'none'; frame-ancestors 'none'");
    expect(headers.get("Referrer-Policy")).toBe("no-referrer");
    for (const banner of ["Server", "X-Powered-By"]) expect(headers.has(banner)).toBe(false);
  });

  it("to a preflight has them, too", async () => {
    const headers = { "Access-Control-Request-Method": "GET", Origin: "https://portal.example.com" };
    const response = await request("/api/events/", { method: "OPTIONS", headers });

    expect(response.headers.get("X-Content-Type-Options")).toBe("nosniff");
    expect(response.headers.has("X-Request-Id")).toBe(true);
  });

  it.each(["/api/events/", "/api/events/1/", "/api/events/count/"])(
    "%s may be kept by its reader only",
    async (path) => {
      const { token } = await aPerson({ staff: true });
      await recorded(anEvent());

      const { headers } = await get(path, token);

      expect(headers.get("Cache-Control")).toBe("private, no-cache");
      expect(headers.get("Vary")).toContain("Authorization");
      expect((await request(path)).headers.get("Cache-Control")).toBe("no-store");
    },
  );
});
