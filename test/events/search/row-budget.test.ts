import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { later, stopClock } from "../../support/clock.ts";
import { loadDistribution, loadEvents } from "../../support/distributions.ts";
import { aPerson } from "../../support/people.ts";
import { anEvent, get, hex, recorded } from "../../support/world.ts";

/** A fifth of them match, and two rows are read for each. */
const EVENTS = 12_000;
const LIMITED = { SEARCH_ROWS_LIMIT: 9_000 };

describe("a token that has read its rows of a minute", () => {
  it("may not make the database count what nobody has counted, and may do everything else", async () => {
    stopClock("2026-11-25T12:00:20Z");
    const [token, other] = [(await aPerson({ staff: true })).token, (await aPerson({ staff: true })).token];
    await loadDistribution("even", EVENTS);
    await recorded(anEvent({ message: "rarity" }));
    const count = (message: string, of = token) => get(`/api/events/count/?message=${message}`, of, {}, LIMITED);
    for (const message of ["needle", "eedle"]) expect((await count(message)).status).toBe(200);

    const refused = await count("needl");

    expect(refused.status).toBe(429);
    expect(await refused.json()).toEqual({
      detail: expect.stringMatching(/^Request was throttled\. Expected available in \d+ seconds\.$/),
    });
    expect(Number(refused.headers.get("Retry-After"))).toBeGreaterThan(0);
    expect(Number(refused.headers.get("Retry-After"))).toBeLessThanOrEqual(60);
    expect(refused.headers.get("RateLimit-Limit")).toBe("9000");
    expect((await get("/api/events/?message=needl", token, {}, LIMITED)).status).toBe(429);
    expect(await (await count("needle")).json()).toEqual({ count: 2_400 });
    expect(await (await count("rarity")).json()).toEqual({ count: 1 });
    expect(await (await count("ne")).json()).toEqual({ count: 2_400 });
    expect((await get("/api/events/?message=needle&page=200", token, {}, LIMITED)).status).toBe(200);
    expect((await get("/api/events/", token, {}, LIMITED)).status).toBe(200);
    expect((await count("needl", other)).status).toBe(200);
  });

  it("may go on in the next minute", async () => {
    stopClock("2026-11-25T12:00:20Z");
    const { token } = await aPerson({ staff: true });
    await loadDistribution("even", EVENTS);
    const count = async (message: string) =>
      (await get(`/api/events/count/?message=${message}`, token, {}, LIMITED)).status;
    expect([await count("needle"), await count("eedle"), await count("needl")]).toEqual([200, 200, 429]);

    later(61_000);

    expect(await count("needl")).toBe(200);
  });
});

describe("the rows of a minute", () => {
  it("include the months of two objects, which nobody keeps", async () => {
    stopClock("2026-11-25T12:00:20Z");
    const { token } = await aPerson({ staff: true });
    const [customer, user] = [hex("customer"), hex("user")];
    const context = { customer_uuid: customer, user_uuid: user };
    await recorded(...Array.from({ length: 50 }, () => anEvent({ eventType: "customer_update_succeeded", context })));
    const path = `/api/events-stats/?scope=https://x.test/api/customers/${customer}/&related_user_uuid=${user}`;
    const limited = { SEARCH_ROWS_LIMIT: 100 };
    const ask = async () => (await get(path, token, {}, limited)).status;

    expect([await ask(), await ask()]).toEqual([200, 429]);
    expect((await get("/api/events-stats/", token, {}, limited)).status).toBe(200);
    later(61_000);
    expect(await ask()).toBe(200);
  });

  it("include those of pages that are sorted while not all matches are counted", async () => {
    stopClock("2026-11-25T12:00:20Z");
    const { token } = await aPerson({ staff: true });
    await loadEvents(252_000, (share) => ({ time: share, isMatch: true }));
    const limited = { SEARCH_ROWS_LIMIT: 1_002_000 };
    const ask = () => get("/api/events/?message=needle&page=20000", token, {}, limited);

    const first = await ask();
    await env.DB.exec("DELETE FROM search_totals");

    expect(first.status).toBe(200);
    expect((await ask()).status).toBe(429);
  });
});
