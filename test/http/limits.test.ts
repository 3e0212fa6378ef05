/// <reference types="vite/types/importMeta.d.ts" />
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { Env } from "../../src/env.ts";
import { MAX_PAGE_SIZE } from "../../src/events/pagination.ts";
import { linkOf } from "../support/big-log.ts";
import { later, stopClock } from "../support/clock.ts";
import { aPerson } from "../support/people.ts";
import { aRate } from "../support/rate.ts";
import { anEvent, get, recorded, request } from "../support/world.ts";

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
  it("by token, of which the counter is told a hash only", async () => {
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

describe("a request is counted once by token and once by address,", () => {
  /** What the limits count of one request; the token's counter is told its hash. */
  async function counted(path: string, init: RequestInit = {}) {
    const { token, hash } = await aPerson({ staff: true });
    const [tokens, addresses, failures] = [aRate(9), aRate(9), aRate(9)];
    const bindings = { TOKEN_RATE: tokens.rate, ADDRESS_RATE: addresses.rate, FAILURE_RATE: failures.rate };
    const { status } = await get(
      path,
      token,
      { ...init, headers: { ...from("192.0.2.6"), ...init.headers } },
      bindings,
    );
    return {
      status,
      tokens: tokens.keys.map((key) => key === hash),
      addresses: addresses.keys,
      failures: failures.keys,
    };
  }

  it.each([
    ["/api/events/", 200],
    ["/api/events/?page_size=300", 200],
    ["/api/events/count/", 200],
    ["/api/events-stats/", 200],
    ["/api/events/event_groups/", 200],
    ["/api/events/1/", 404],
    ["/api/events/?o=x", 400],
  ])("when it asks for %s (%i)", async (path, status) => {
    expect(await counted(path)).toEqual({ status, tokens: [true], addresses: ["192.0.2.6"], failures: [] });
  });

  it("also for HEAD, and for a method that is not there", async () => {
    for (const [method, status] of [
      ["HEAD", 200],
      ["DELETE", 405],
    ] as const) {
      const told = await counted("/api/events/", { method });
      expect(told).toEqual({ status, tokens: [true], addresses: ["192.0.2.6"], failures: [] });
    }
  });

  it("by address only when it needs no token, and as a failure when its token is wrong", async () => {
    expect(await counted("/healthz")).toEqual({ status: 200, tokens: [], addresses: ["192.0.2.6"], failures: [] });
    const wrongly = await counted("/api/events/", { headers: { Authorization: "Token wrong" } });
    expect(wrongly).toEqual({ status: 401, tokens: [], addresses: ["192.0.2.6"], failures: ["192.0.2.6"] });
  });

  it("so a crawl counts one for each page", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(...Array.from({ length: 7 }, () => anEvent()));
    const [tokens, addresses] = [aRate(9), aRate(9)];
    const bindings = { TOKEN_RATE: tokens.rate, ADDRESS_RATE: addresses.rate };

    let next: string | undefined = "/api/events/?page_size=3";
    while (next !== undefined) {
      const page: Response = await get(next, token, { headers: from("192.0.2.7") }, bindings);
      next = linkOf(page, "next");
    }

    expect([tokens.keys.length, addresses.keys.length]).toEqual([3, 3]);
  });
});

describe("failed authentications are limited by address", () => {
  it("of readers and producers alike; those who know a token in use go on", async () => {
    stopClock("2026-05-01T00:00:00Z");
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
    stopClock("2026-05-01T00:00:00Z");
    const { token } = await aPerson({ staff: true });
    const bindings = { FAILURE_RATE: aRate(0).rate, FAILURE_LIMIT: 0 };
    await throttled(await wrong("192.0.2.5", bindings), 0);
    later(60_000);

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

  it("leave room for a crawl of a million events in pages of the largest size within a minute", () => {
    const pages = Math.ceil(1_000_000 / MAX_PAGE_SIZE);

    expect(pages).toBeLessThanOrEqual(Number(env.TOKEN_LIMIT));
    expect(pages).toBeLessThanOrEqual(Number(env.ADDRESS_LIMIT));
  });
});
