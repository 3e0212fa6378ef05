import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { Env } from "../../src/env.ts";
import { later, stopClock } from "../support/clock.ts";
import { aPerson } from "../support/people.ts";
import { anEvent, dashed, get, hex, messages, query, recorded, request } from "../support/world.ts";

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

const MAY_1 = Date.UTC(2026, 4, 1);

const asked = (token: string, init: RequestInit = {}, bindings: Partial<Env> = {}) =>
  get("/api/events/", token, init, bindings);

const detail = async (response: Response) => [response.status, (await response.json<{ detail: string }>()).detail];

const tokenRow = (hash: string) =>
  env.DB.prepare("SELECT created, last_used_day FROM tokens WHERE hash = ?").bind(hash).first();

/** The database, counting how often a request's session goes to it. */
function countTrips(): { DB: D1Database; trips: () => number } {
  let trips = 0;
  const DB = new Proxy(env.DB, {
    get(real, name) {
      if (name !== "withSession") return Reflect.get(real, name);
      return (bookmark: string) => {
        const session = real.withSession(bookmark);
        const batch: D1DatabaseSession["batch"] = (statements) => {
          trips += 1;
          return session.batch(statements);
        };
        return { prepare: (sql: string) => session.prepare(sql), batch, getBookmark: () => session.getBookmark() };
      };
    },
  });
  return { DB, trips: () => trips };
}

describe("a token", () => {
  it("with an expiry is accepted until then", async () => {
    stopClock("2026-05-01T00:00:00Z");
    const { token } = await aPerson({ staff: true, expires: (MAY_1 + MINUTE_MS / 2) * 1000 });

    expect((await asked(token)).status).toBe(200);
    later(MINUTE_MS / 2);
    // Still cached, and yet over.
    expect(await detail(await asked(token))).toEqual([401, "Token has expired."]);
  });

  it("lives as long as its user's lifetime after it was last used", async () => {
    stopClock("2026-05-01T00:00:00Z");
    const { token, hash } = await aPerson({ staff: true, lifetime: 600, created: MAY_1 * 1000 });

    for (let use = 0; use < 5; use++) {
      expect((await asked(token)).status).toBe(200);
      later(9 * MINUTE_MS);
    }
    expect((await asked(token)).status).toBe(200);
    expect(await tokenRow(hash)).toMatchObject({ created: (MAY_1 + 45 * MINUTE_MS) * 1000 });
    later(10 * MINUTE_MS + 1);
    expect(await detail(await asked(token))).toEqual([401, "Token has expired."]);
  });

  it("that another isolate has used meanwhile is still valid here", async () => {
    stopClock("2026-05-01T00:00:00Z");
    const { token, hash } = await aPerson({ staff: true, lifetime: 30, created: MAY_1 * 1000 });
    expect((await asked(token)).status).toBe(200);
    later(31_000);
    await env.DB.prepare("UPDATE tokens SET created = ? WHERE hash = ?")
      .bind((MAY_1 + 31_000) * 1000, hash)
      .run();

    expect((await asked(token)).status).toBe(200);
  });

  it("notes the day it was used, once a day, after the answer", async () => {
    stopClock("2026-05-01T23:59:00Z");
    const { token, hash } = await aPerson({ staff: true });
    const day = MAY_1 / DAY_MS;

    await asked(token);
    expect(await tokenRow(hash)).toMatchObject({ last_used_day: day });

    await env.DB.prepare("UPDATE tokens SET last_used_day = 0").run();
    await asked(token);
    expect(await tokenRow(hash)).toMatchObject({ last_used_day: 0 });

    later(70_000);
    await asked(token);
    expect(await tokenRow(hash)).toMatchObject({ last_used_day: day + 1 });
  });

  it("that is revoked, or whose user is, is refused within a minute", async () => {
    stopClock("2026-05-01T00:00:00Z");
    const [revoked, inactive] = [await aPerson({ staff: true }), await aPerson({ staff: true })];
    await asked(revoked.token);
    await asked(inactive.token);
    await env.DB.batch([
      env.DB.prepare("DELETE FROM tokens WHERE hash = ?").bind(revoked.hash),
      env.DB.prepare("UPDATE users SET is_active = 0 WHERE uuid = ?").bind(inactive.uuid),
    ]);
    later(MINUTE_MS);

    expect(await detail(await asked(revoked.token))).toEqual([401, "Invalid token."]);
    expect(await detail(await asked(inactive.token))).toEqual([401, "User inactive or deleted."]);
  });

  it("works as soon as it is made, even when it was tried before", async () => {
    const { token, hash, uuid } = await aPerson({ staff: true });
    await env.DB.prepare("DELETE FROM tokens").run();
    expect((await asked(token)).status).toBe(401);
    await env.DB.prepare("INSERT INTO tokens (hash, user_uuid, created) VALUES (?, ?, 0)").bind(hash, uuid).run();

    expect((await asked(token)).status).toBe(200);
  });
});

describe("X-Impersonated-User-Uuid", () => {
  const scope = query(["scope", `/api/customers/${hex("C")}/`]);
  const impersonating = (token: string, uuid: string) =>
    get(`/api/events/${scope}`, token, { headers: { "X-Impersonated-User-Uuid": uuid } });

  it("lets staff see what the user sees, and tells who they are", async () => {
    const staff = await aPerson({ staff: true });
    const user = await aPerson({ roles: [{ type: "project", scope: hex("P"), customer: hex("C") }] });
    const event = { message: "Renamed", eventType: "customer_update_succeeded", context: { customer_uuid: hex("C") } };
    await recorded(anEvent(event));

    const response = await impersonating(staff.token, user.uuid);

    expect(await response.json()).toEqual([]);
    expect(response.headers.get("X-Impersonator-Uuid")).toBe(staff.uuid);
    expect(response.headers.get("Vary")).toContain("X-Impersonated-User-Uuid");
    expect(await messages(staff.token, scope)).toEqual(["Renamed"]);
  });

  it("takes a UUID with dashes", async () => {
    const staff = await aPerson({ staff: true });
    const { uuid } = await aPerson();

    const response = await get("/api/events/", staff.token, { headers: { "X-Impersonated-User-Uuid": dashed(uuid) } });

    expect(response.headers.get("X-Impersonator-Uuid")).toBe(staff.uuid);
  });

  it("gives a user who is staff no more than they have", async () => {
    const [staff, other] = [await aPerson({ staff: true }), await aPerson({ support: true })];

    const response = await get("/api/events/", staff.token, {
      method: "DELETE",
      headers: { "X-Impersonated-User-Uuid": other.uuid },
    });

    expect(response.status).toBe(403);
  });

  it.each([
    ["of somebody who is not staff", { support: true }],
    ["of an ordinary user", {}],
  ])("%s is ignored", async (_who, who) => {
    const { token } = await aPerson(who);
    const staff = await aPerson({ staff: true });
    await recorded(anEvent());

    const response = await get("/api/events/", token, { headers: { "X-Impersonated-User-Uuid": staff.uuid } });

    expect(response.headers.has("X-Impersonator-Uuid")).toBe(false);
    expect(await response.json()).toHaveLength("support" in who ? 1 : 0);
  });

  it.each(["junk", "", hex("nobody")])("%j names nobody and is ignored", async (uuid) => {
    const { token } = await aPerson({ staff: true });

    const response = await get("/api/events/", token, { headers: { "X-Impersonated-User-Uuid": uuid } });

    expect(response.status).toBe(200);
    expect(response.headers.has("X-Impersonator-Uuid")).toBe(false);
  });

  it("is no way in without a token", async () => {
    const { uuid } = await aPerson({ staff: true });

    expect((await request("/api/events/", { headers: { "X-Impersonated-User-Uuid": uuid } })).status).toBe(401);
  });
});

it("a warm request asks the database for its events only", async () => {
  stopClock("2026-05-01T00:00:00Z");
  const member = await aPerson({ roles: [{ scope: hex("C") }] });
  const owner = await aPerson({ roles: [{ scope: hex("C") }] });
  const { token: staff } = await aPerson({ staff: true });
  await recorded(
    anEvent({ eventType: "project_update_succeeded", context: { customer_uuid: hex("C"), project_uuid: hex("P") } }),
  );
  const scoped = `/api/events/count/${query(["scope", `/api/projects/${hex("P")}/`])}`;

  for (const [path, token] of [
    ["/api/events/count/", staff],
    [scoped, member.token],
    [`/api/events/count/${query(["scope", `/api/customers/${hex("C")}/`])}`, owner.token],
  ] as const) {
    const cold = countTrips();
    expect(await (await get(path, token, {}, { DB: cold.DB })).json()).toEqual({ count: 1 });
    const warm = countTrips();
    expect(await (await get(path, token, {}, { DB: warm.DB })).json()).toEqual({ count: 1 });
    expect(warm.trips()).toBe(1);
    expect(cold.trips()).toBeGreaterThan(1);
  }
});
