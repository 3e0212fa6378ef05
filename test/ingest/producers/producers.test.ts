import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import type { Env } from "../../../src/env.ts";
import { findProducer } from "../../../src/ingest/producers/find.ts";
import { sha256Hex } from "../../../src/values/bytes.ts";
import { stopClock } from "../../support/clock.ts";
import { aFailingDatabase, hook } from "../../support/ingest.ts";
import { hubSignature, standardWebhook } from "../../support/sign.ts";
import { request } from "../../support/world.ts";

const KEY = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OLD_KEY = "b2xkb2xkb2xkb2xkb2xkb2xkb2xkb2xk";
const body = JSON.stringify(hook());
const REFUSED = { detail: "Unknown producer or wrong secret." };
/** Seconds. */
const NOW = Date.UTC(2026, 4, 1) / 1000;

beforeEach(() => stopClock("2026-05-01T00:00:00Z"));

/** A row of the table, as `npm run admin -- producers add` makes it. */
async function aProducer(
  name: string,
  auth: string,
  secrets: string[],
  more: { tolerance?: number; active?: number } = {},
) {
  const insert =
    "INSERT INTO producers (name, auth, secrets, tolerance, is_active, created, updated) VALUES (?, ?, ?, ?, ?, 0, 0)";
  const { tolerance = 300, active = 1 } = more;
  await env.DB.prepare(insert).bind(name, auth, JSON.stringify(secrets), tolerance, active).run();
}

async function post(name: string, headers: Record<string, string>, bindings: Partial<Env> = {}, text = body) {
  const init = { method: "POST", body: text, headers: { "Content-Type": "application/json", ...headers } };
  const response = await request(`/ingest/${name}`, init, bindings);
  return { status: response.status, body: await response.json<{ detail?: string }>() };
}

describe("a producer that signs (Standard Webhooks)", () => {
  it("is let in with a signature of any of its secrets", async () => {
    await aProducer("signer", "standard-webhooks", [`whsec_${KEY}`, OLD_KEY]);
    for (const key of [KEY, OLD_KEY]) {
      expect((await post("signer", await standardWebhook(key, "msg_1", NOW, body))).status).toBe(202);
    }
  });

  it("cannot be impersonated with a bearer secret, its own key included, nor with another signature", async () => {
    await aProducer("signer", "standard-webhooks", [`whsec_${KEY}`]);
    const INGEST_SECRETS = JSON.stringify({ signer: ["bearer"] });
    const attempts = [
      {},
      { Authorization: "Bearer bearer" },
      { Authorization: `Bearer ${KEY}` },
      { Authorization: `Bearer whsec_${KEY}` },
      await standardWebhook(OLD_KEY, "msg_1", NOW, body),
      await standardWebhook(KEY, "msg_1", NOW, `${body} `),
      await hubSignature(KEY, body),
      { ...(await standardWebhook(KEY, "msg_1", NOW, body)), "webhook-id": "msg_2" },
    ];
    for (const headers of attempts) {
      expect(await post("signer", headers, { INGEST_SECRETS })).toEqual({ status: 401, body: REFUSED });
    }
  });

  it.each([
    [-301, "too old: it was signed 301 s ago, and 300 s are allowed"],
    [301, "too new: it was signed for 301 s from now, and 300 s are allowed"],
  ])("is told that its message is %i s away when the signature is right, and only then", async (seconds, detail) => {
    await aProducer("signer", "standard-webhooks", [KEY]);
    const told = await post("signer", await standardWebhook(KEY, "msg_1", NOW + seconds, body));
    expect(told).toEqual({ status: 401, body: { detail: expect.stringContaining(detail) } });
    const forged = await post("signer", await standardWebhook(OLD_KEY, "msg_1", NOW + seconds, body));
    expect(forged).toEqual({ status: 401, body: REFUSED });
  });

  it.each([-300, 300])("is let in when its message is %i s away", async (seconds) => {
    await aProducer("signer", "standard-webhooks", [KEY]);
    expect((await post("signer", await standardWebhook(KEY, "msg_1", NOW + seconds, body))).status).toBe(202);
  });

  it("may have a tolerance of its own", async () => {
    await aProducer("patient", "standard-webhooks", [KEY], { tolerance: 3600 });
    expect((await post("patient", await standardWebhook(KEY, "msg_1", NOW - 3000, body))).status).toBe(202);
  });

  it("is verified on the raw body before anything in it is parsed", async () => {
    await aProducer("signer", "standard-webhooks", [KEY]);
    const broken = '{"event_type": ';
    expect((await post("signer", {}, {}, broken)).status).toBe(401);
    expect((await post("signer", await standardWebhook(KEY, "msg_1", NOW, broken), {}, broken)).status).toBe(400);
  });

  it("reads its receipts with a signature of an empty body", async () => {
    await aProducer("signer", "standard-webhooks", [KEY]);
    const path = `/ingest/signer/receipts/${"a".repeat(32)}`;
    expect((await request(path, { headers: await standardWebhook(KEY, "msg_1", NOW, "") })).status).toBe(404);
    expect((await request(path, { headers: { Authorization: `Bearer ${KEY}` } })).status).toBe(401);
  });
});

describe("a producer that signs as GitHub does", () => {
  it("is let in with its signature only", async () => {
    await aProducer("hub", "github", ["It's a Secret to Everybody"]);
    expect((await post("hub", await hubSignature("It's a Secret to Everybody", body))).status).toBe(202);
    for (const headers of [
      {},
      { Authorization: "Bearer It's" },
      await hubSignature("other", body),
      { "X-Hub-Signature-256": "sha256=zz" },
    ]) {
      expect(await post("hub", headers)).toEqual({ status: 401, body: REFUSED });
    }
  });
});

describe("the table of producers", () => {
  it("has the SHA-256 of bearer secrets, and comes before the variable", async () => {
    await aProducer("waldur", "secret", [await sha256Hex("from-the-table")]);
    expect((await post("waldur", { Authorization: "Bearer from-the-table" })).status).toBe(202);
    expect((await post("waldur", { Authorization: "Bearer waldur-secret" })).status).toBe(401);
  });

  it("may disable a producer, also one of the variable", async () => {
    await aProducer("waldur", "secret", [], { active: 0 });
    expect(await post("waldur", { Authorization: "Bearer waldur-secret" })).toEqual({ status: 401, body: REFUSED });
  });

  it("with a row that makes no sense still lets the others in", async () => {
    await aProducer("broken", "standard-webhooks", ["no base64!"]);
    await aProducer("empty", "standard-webhooks", ["whsec_"]);
    await aProducer("good", "secret", [await sha256Hex("s")]);
    expect((await post("good", { Authorization: "Bearer s" })).status).toBe(202);
    for (const name of ["broken", "empty"]) {
      expect((await post(name, await standardWebhook(KEY, "msg_1", NOW, body))).status).toBe(401);
    }
  });

  it("stays cached while the database is away; where it was never read, a request is 503", async () => {
    await aProducer("good", "secret", [await sha256Hex("s")]);
    const { DB } = aFailingDatabase("D1_ERROR: Network connection lost.", 1);
    const bindings = { ...env, DB, PRODUCER_CACHE_SECONDS: "30" };
    expect((await findProducer(bindings, "good", 0))?.name).toBe("good");
    expect((await findProducer(bindings, "good", 29_000))?.name).toBe("good");
    expect((await findProducer(bindings, "good", 31_000))?.name).toBe("good");
    const never = await post(
      "waldur",
      { Authorization: "Bearer waldur-secret" },
      { DB: aFailingDatabase("D1_ERROR: x").DB },
    );
    expect(never.status).toBe(503);
  });
});

it("the variable INGEST_SECRETS may have the authentication and the tolerance of a producer", async () => {
  const INGEST_SECRETS = JSON.stringify({
    signer: { auth: "standard-webhooks", secrets: [`whsec_${KEY}`], tolerance: 10 },
  });
  const signed = (age: number) => standardWebhook(KEY, "msg_1", NOW - age, body);
  expect((await post("signer", await signed(0), { INGEST_SECRETS })).status).toBe(202);
  expect((await post("signer", await signed(15), { INGEST_SECRETS })).status).toBe(401);
});
