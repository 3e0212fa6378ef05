import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { clearCaches } from "../../src/http/cache.ts";
import { type LaggingDatabase, laggingReplicas } from "../cloud/replicas.ts";
import { later, stopClock } from "../support/clock.ts";
import { aPerson, grant } from "../support/people.ts";
import { aRate } from "../support/rate.ts";
import { anEvent, get, hex, query, recorded, request } from "../support/world.ts";

const MINUTE_MS = 60_000;
const MAY_1_US = Date.UTC(2026, 4, 1) * 1000;
const CUSTOMER = hex("C");
const SCOPE = query(["scope", `/api/customers/${CUSTOMER}/`]);

let cloud: LaggingDatabase;

/** Every replica stays as it is now, for as long as the test runs. */
function stopReplication(): void {
  const stopped = cloud.commits();
  cloud.lag = () => cloud.commits() - stopped;
}

const status = async (token: string, path = "/api/events/") => (await get(path, token)).status;

const run = (sql: string, ...values: unknown[]) =>
  env.DB.prepare(sql)
    .bind(...values)
    .run();

beforeEach(async () => {
  cloud = await laggingReplicas();
  stopClock("2026-05-01T00:00:00Z");
});

describe("while no replica gets what is written", () => {
  it("a new token is accepted", async () => {
    stopReplication();
    const { token } = await aPerson({ staff: true });

    expect(await status(token)).toBe(200);
  });

  it("a token of a user who is active again, and one that was used elsewhere, are accepted", async () => {
    const { token, uuid } = await aPerson({ staff: true, active: false });
    const used = await aPerson({ staff: true, lifetime: 60, created: MAY_1_US - 90_000_000 });
    expect([await status(token), await status(used.token)]).toEqual([401, 401]);
    stopReplication();
    await run("UPDATE users SET is_active = 1 WHERE uuid = ?", uuid);
    await run("UPDATE tokens SET created = ? WHERE hash = ?", MAY_1_US, used.hash);

    expect([await status(token), await status(used.token)]).toEqual([200, 200]);
  });

  it("a revoked token is accepted for 60 s by an isolate that knows it, and by no other", async () => {
    const { token, hash } = await aPerson({ staff: true });
    expect(await status(token)).toBe(200);
    stopReplication();
    await run("DELETE FROM tokens WHERE hash = ?", hash);

    later(MINUTE_MS - 1);
    expect(await status(token)).toBe(200);
    later(1);
    expect(await status(token)).toBe(401);
    clearCaches();
    expect(await status(token)).toBe(401);
  });

  it("a revoked role gives access for 60 s, and a new one gives it at once where the user is new", async () => {
    const [owner, nobody] = [await aPerson({ roles: [{ scope: CUSTOMER }] }), await aPerson()];
    await recorded(anEvent({ eventType: "customer_update_succeeded", context: { customer_uuid: CUSTOMER } }));
    expect(await status(owner.token, `/api/events/${SCOPE}`)).toBe(200);
    stopReplication();
    await run("DELETE FROM roles WHERE user_uuid = ?", owner.uuid);
    await grant(nobody.uuid, { scope: CUSTOMER }).run();

    expect(await status(nobody.token, `/api/events/${SCOPE}`)).toBe(200);
    later(MINUTE_MS);
    expect(await status(owner.token, `/api/events/${SCOPE}`)).toBe(400);
  });

  it("a guess costs the primary one read, and none once its address has guessed too often", async () => {
    const { token } = await aPerson({ staff: true });
    const { rate } = aRate(3);
    const guess = (number: number) =>
      request(
        "/api/events/",
        { headers: { Authorization: `Token guess${number}`, "CF-Connecting-IP": "192.0.2.1" } },
        { FAILURE_RATE: rate },
      );
    stopReplication();
    cloud.reads.length = 0;

    const statuses: number[] = [];
    for (let number = 0; number < 50; number++) statuses.push((await guess(number)).status);

    expect(statuses).toEqual([401, 401, 401, ...Array.from({ length: 47 }, () => 429)]);
    // The fourth was checked, and counted.
    expect(cloud.reads.length).toBe(4);
    expect(await status(token)).toBe(200);
  });

  it("a new producer is accepted, and its new secret", async () => {
    stopReplication();
    const accepted = async (secret: string) =>
      (
        await request("/ingest/crm", {
          method: "POST",
          headers: { Authorization: `Bearer ${secret}`, "Content-Type": "application/json" },
          body: JSON.stringify({ event_type: "crm_note", message: "A note" }),
        })
      ).status;
    const hashOf = async (secret: string) =>
      new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(secret))).toHex();
    await run(
      "INSERT INTO producers (name, auth, secrets, created, updated) VALUES ('crm', 'secret', ?, 0, 0)",
      JSON.stringify([await hashOf("first")]),
    );
    expect(await accepted("first")).toBe(202);
    await run("UPDATE producers SET secrets = ?", JSON.stringify([await hashOf("second")]));

    expect([await accepted("second"), await accepted("first")]).toEqual([202, 401]);
  });
});
