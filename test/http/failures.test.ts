import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Env } from "../../src/env.ts";
import { aPerson } from "../support/people.ts";
import { request } from "../support/world.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: new Date("2026-05-01T00:00:00Z") });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Bindings where the first failed authentication of an address is one too many, and the addresses that failed. */
function strict() {
  const failed: string[] = [];
  const rate: RateLimit = {
    limit: async ({ key }) => {
      failed.push(key);
      return { success: false };
    },
  };
  const bindings: Partial<Env> = { FAILURE_RATE: rate, FAILURE_LIMIT: 0 };
  return { bindings, failed };
}

const ask = (path: string, token: string, bindings: Partial<Env>) =>
  request(path, { headers: { "CF-Connecting-IP": "192.0.2.6", Authorization: `Token ${token}` } }, bindings);

it("an address with too many failed authentications is blocked for all of a minute", async () => {
  const { token } = await aPerson({ staff: true });
  const { bindings } = strict();
  expect((await ask("/api/events/", "wrong", bindings)).status).toBe(429);

  vi.setSystemTime(Date.now() + 59_999);
  expect((await ask("/api/events/", token, bindings)).status).toBe(429);
  vi.setSystemTime(Date.now() + 1);
  expect((await ask("/api/events/", token, bindings)).status).toBe(200);
});

it("only a 401 counts as a failed authentication", async () => {
  const { token } = await aPerson({ staff: true });
  const { bindings, failed } = strict();
  const paths = ["/api/events/", "/api/events/?o=x", "/api/events/99/", "/nowhere"];

  const statuses = [];
  for (const path of paths) statuses.push((await ask(path, token, bindings)).status);

  expect([statuses, failed]).toEqual([[200, 400, 404, 404], []]);
});
