/// <reference types="vite/types/importMeta.d.ts" />
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Env } from "../../src/env.ts";
import { aPerson } from "../support/people.ts";
import { aRate } from "../support/rate.ts";
import { get, request } from "../support/world.ts";

afterEach(() => vi.useRealTimers());

const from = (address: string) => ({ "CF-Connecting-IP": address });
const wrong = (address: string, bindings: Partial<Env>, path = "/api/events/") =>
  request(path, { headers: { ...from(address), Authorization: "Token wrong" } }, bindings);

const throttled = async (response: Response, limit: number) => {
  expect(response.status).toBe(429);
  expect(response.headers.get("Retry-After")).toBe("60");
  expect(response.headers.get("RateLimit-Limit")).toBe(String(limit));
  expect(response.headers.get("RateLimit-Remaining")).toBe("0");
  expect(response.headers.get("RateLimit-Reset")).toBe("60");
  expect(response.headers.has("WWW-Authenticate")).toBe(false);
  expect(await response.json()).toEqual({ detail: "Request was throttled. Expected available in 60 seconds." });
};

describe("requests are limited", () => {
  it("by token, which is not told to the counter", async () => {
    const [token, other] = [(await aPerson({ staff: true })).token, (await aPerson({ staff: true })).token];
    const { rate, keys } = aRate(2);
    const bindings = { TOKEN_RATE: rate, TOKEN_LIMIT: 2 };

    for (let use = 0; use < 2; use++) expect((await get("/api/events/", token, {}, bindings)).status).toBe(200);
    await throttled(await get("/api/events/", token, {}, bindings), 2);
    expect((await get("/api/events/", other, {}, bindings)).status).toBe(200);
    expect(keys.join()).not.toContain(token);
  });

  it("by address, for everybody and everything", async () => {
    const { token } = await aPerson({ staff: true });
    const bindings = { ADDRESS_RATE: aRate(1).rate, ADDRESS_LIMIT: 1 };

    expect((await get("/api/events/", token, { headers: from("192.0.2.1") }, bindings)).status).toBe(200);
    await throttled(await request("/healthz", { headers: from("192.0.2.1") }, bindings), 1);
    await throttled(await request("/ingest/waldur", { method: "POST", headers: from("192.0.2.1") }, bindings), 1);
    expect((await get("/api/events/", token, { headers: from("192.0.2.2") }, bindings)).status).toBe(200);
  });
});

describe("failed authentications are limited by address", () => {
  it("of readers and producers alike; those who know a token in use go on", async () => {
    const [warm, cold] = [(await aPerson({ staff: true })).token, (await aPerson({ staff: true })).token];
    const bindings = { FAILURE_RATE: aRate(2).rate, FAILURE_LIMIT: 2 };
    const using = (token: string) => get("/api/events/", token, { headers: from("192.0.2.3") }, bindings);
    expect((await using(warm)).status).toBe(200);

    expect((await wrong("192.0.2.3", bindings)).status).toBe(401);
    expect((await wrong("192.0.2.3", bindings, "/ingest/waldur/wrong")).status).toBe(401);
    await throttled(await wrong("192.0.2.3", bindings), 2);
    // From here on, the database is not even asked.
    await throttled(await using(cold), 2);
    expect((await using(warm)).status).toBe(200);
    expect((await wrong("192.0.2.4", bindings)).status).toBe(401);
  });

  it("for a minute", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: new Date("2026-05-01T00:00:00Z") });
    const { token } = await aPerson({ staff: true });
    const bindings = { FAILURE_RATE: aRate(0).rate, FAILURE_LIMIT: 0 };
    await throttled(await wrong("192.0.2.5", bindings), 0);
    vi.setSystemTime(Date.now() + 60_000);

    expect((await get("/api/events/", token, { headers: from("192.0.2.5") }, bindings)).status).toBe(200);
  });
});

describe("the limits of wrangler.toml", () => {
  const [toml = ""] = Object.values(
    import.meta.glob<string>("../../wrangler.toml", { query: "?raw", import: "default", eager: true }),
  );

  it.each(["TOKEN", "ADDRESS", "FAILURE"] as const)(
    "tell %s's number to the binding and to the Worker alike",
    (name) => {
      const limit = new RegExp(
        `name = "${name}_RATE"\\nnamespace_id = "\\d+"\\nsimple = \\{ limit = (\\d+), period = 60 \\}`,
      );

      expect(limit.exec(toml)?.[1]).toBe(String(env[`${name}_LIMIT`]));
      expect(env[`${name}_RATE`]).toBeDefined();
    },
  );

  it("are not met by a crawl", async () => {
    const { token } = await aPerson({ staff: true });

    for (let number = 0; number < 100; number++) {
      expect((await get("/api/events/count/", token, { headers: from("192.0.2.9") })).status).toBe(200);
    }
  });
});
