import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { aPerson } from "../support/people.ts";
import { get } from "../support/world.ts";

const START = Date.UTC(2026, 10, 25, 12);

/** A bell at which time passes at once, and nothing comes. */
const wait = async (after: number, ms: number) => {
  vi.setSystemTime(Date.now() + ms);
  return after;
};
const FEED_BELL = { getByName: () => ({ wait, ring: async () => undefined }) };

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: START });
});
afterEach(() => {
  vi.useRealTimers();
});

it("a token that a stream has looked up is refused a minute later elsewhere, when it was revoked", async () => {
  const { token, hash } = await aPerson({ staff: true });
  await (await get("/api/events/feed/?offset=now&live=sse", token, {}, { FEED_BELL })).text();
  const endedAt = Date.now();
  await env.DB.prepare("DELETE FROM tokens WHERE hash = ?").bind(hash).run();

  const statuses: number[] = [];
  for (const seconds of [0, 20, 40, 60]) {
    vi.setSystemTime(endedAt + seconds * 1_000);
    statuses.push((await get("/api/events/feed/?offset=now", token)).status);
  }

  expect([endedAt - START, statuses.at(-1)]).toEqual([55_000, 401]);
});
