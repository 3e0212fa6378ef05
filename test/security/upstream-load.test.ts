import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { IDENTITY_CACHE_MS, MAX_CACHED_IDENTITIES } from "../../src/auth/principal.ts";
import { identifyByWaldur, MAX_LOOK_UPS } from "../../src/auth/waldur.ts";
import type { Env } from "../../src/env.ts";
import { aRate } from "../support/rate.ts";
import { type Behaviour, StandInWaldur } from "../support/waldur.ts";
import { hex, query, request } from "../support/world.ts";

const SECOND_MS = 1_000;
const UNREACHABLE: Behaviour[] = ["fails", "down", "babbles", "redirects"];

let waldur: StandInWaldur;

beforeEach(() => {
  waldur = new StandInWaldur();
  waldur.users.set("Token key", { uuid: hex("me") });
  vi.useFakeTimers({ toFake: ["Date"], now: new Date("2026-05-01T00:00:00Z") });
  vi.spyOn(console, "warn").mockImplementation(() => {});
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const later = (ms: number) => vi.setSystemTime(Date.now() + ms);

async function status(token: string, bindings: Partial<Env> = {}, search = ""): Promise<number> {
  const headers = { Authorization: `Token ${token}`, "CF-Connecting-IP": "192.0.2.1" };
  return (await request(`/api/events/${search}`, { headers }, { ...waldur.bindings, ...bindings })).status;
}

describe.each(UNREACHABLE)("when Waldur %s", (behaviour) => {
  it("guesses never go on for free: each counts as failed, until none reaches Waldur", async () => {
    waldur.behaviour = behaviour;
    const bindings = { FAILURE_RATE: aRate(2).rate, FAILURE_LIMIT: 2 };

    const statuses = [];
    for (const guess of ["a", "b", "c", "d", "e"]) statuses.push(await status(guess, bindings));

    expect(statuses).toEqual([503, 503, 429, 429, 429]);
    expect(waldur.calls).toHaveLength(3);
  });

  it("a token that was accepted lately never counts as a guess", async () => {
    const bindings = { FAILURE_RATE: aRate(0).rate, FAILURE_LIMIT: 0, WALDUR_STALE: "off" };
    expect(await status("key", bindings)).toBe(200);
    waldur.behaviour = behaviour;
    later(60 * SECOND_MS);

    expect(await status("key", bindings)).toBe(503);
    waldur.behaviour = "answers";
    later(5 * SECOND_MS);
    expect(await status("key", bindings)).toBe(200);
  });

  it("one token never makes it answer more than once in five seconds", async () => {
    waldur.behaviour = behaviour;

    for (let use = 0; use < 5; use++) expect(await status("key")).toBe(503);
    expect(waldur.calls).toHaveLength(1);
    later(5 * SECOND_MS);
    expect(await status("key")).toBe(503);
    expect(waldur.calls).toHaveLength(2);
  });
});

it(`a token never makes Waldur look up more than ${MAX_LOOK_UPS} users in a minute`, async () => {
  waldur.users.set("Token other", { uuid: hex("other") });
  const { lookUpUser } = await identified("key");

  for (let user = 0; user < MAX_LOOK_UPS; user++) await lookUpUser(hex(user));
  await expect(lookUpUser(hex("one more"))).rejects.toMatchObject({ status: 429 });
  expect(await lookUpUser(hex(0))).toEqual({ known: false, visible: false });
  expect(await status("key", {}, query(["scope", `/api/users/${hex("yet another")}/`]))).toBe(429);
  expect(await status("other", {}, query(["scope", `/api/users/${hex("yet another")}/`]))).toBe(400);
  later(60 * SECOND_MS);
  expect(await (await identified("key")).lookUpUser(hex("one more"))).toEqual({ known: false, visible: false });
});

it("guesses never push a user out of the cache", async () => {
  // So many deadlines at once are more timers than the platform allows.
  vi.spyOn(scheduler, "wait").mockReturnValue(new Promise(() => {}));
  vi.spyOn(AbortSignal, "timeout").mockReturnValue(new AbortController().signal);
  await identified("key");
  for (let guess = 0; guess <= MAX_CACHED_IDENTITIES; guess++) {
    await expect(identified(String(guess))).rejects.toMatchObject({ status: 401 });
  }
  waldur.calls.length = 0;

  await identified("key");
  expect(waldur.calls).toEqual([]);
});

it("an impersonated user is never looked up", async () => {
  waldur.users.set("Token staff", { uuid: hex("staff"), is_staff: true });
  const headers = { Authorization: "Token staff", "X-Impersonated-User-Uuid": hex("somebody") };

  expect((await request("/api/events/", { headers }, waldur.bindings)).status).toBe(200);
  expect(waldur.calls.map(({ url }) => url)).toEqual(["https://waldur.example.com/api/users/me/"]);
});

/** Identifies without a request around it. */
const identified = (token: string) =>
  identifyByWaldur(
    { ...env, ...waldur.bindings },
    {
      ...{ token, header: `Token ${token}`, now: Date.now(), maxAge: IDENTITY_CACHE_MS, request: "" },
      defer: (work) => void work,
    },
  );
