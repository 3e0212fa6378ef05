import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Env } from "../../src/env.ts";
import { hook } from "../support/ingest.ts";
import { aPerson } from "../support/people.ts";
import { aRate } from "../support/rate.ts";
import { hubSignature, standardWebhook } from "../support/sign.ts";
import { StandInWaldur } from "../support/waldur.ts";
import { hex, request } from "../support/world.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const START = new Date("2026-05-01T00:00:00Z");
const JSON_BODY = { "Content-Type": "application/json" };
const ADDRESS = "192.0.2.1";
const KEY = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const WRONG_KEY = "b2xkb2xkb2xkb2xkb2xkb2xkb2xkb2xk";
const INGEST_SECRETS = JSON.stringify({
  plain: ["plain-secret"],
  signer: { auth: "standard-webhooks", secrets: [KEY] },
  other: { auth: "standard-webhooks", secrets: [KEY] },
  hub: { auth: "github", secrets: ["hub-secret"] },
});

let waldur: StandInWaldur;

beforeEach(() => {
  waldur = new StandInWaldur();
  vi.useFakeTimers({ toFake: ["Date"], now: START });
  vi.spyOn(console, "warn").mockImplementation(() => {});
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const later = (ms: number) => vi.setSystemTime(Date.now() + ms);

/** A request as a client makes it: path, method, headers and body. */
interface Sent {
  path: string;
  method?: string;
  headers?: Record<string, string>;
  body?: BodyInit;
}

const send = ({ path, headers, ...init }: Sent, bindings: Partial<Env>, address = ADDRESS) =>
  request(
    path,
    { ...init, headers: { ...JSON_BODY, "CF-Connecting-IP": address, ...headers } },
    { INGEST_SECRETS, ...bindings },
  );

const withToken = (token: string, scheme = "Token"): Sent => ({
  path: "/api/events/",
  headers: { Authorization: `${scheme} ${token}` },
});

const event = (): string => JSON.stringify(hook({ message: crypto.randomUUID() }));

const withSecret = (secret: string, producer = "plain"): Sent => ({
  ...{ path: `/ingest/${producer}`, method: "POST", body: event() },
  headers: { Authorization: `Bearer ${secret}` },
});

const withUrl = (secret: string): Sent => ({ path: `/ingest/plain/${secret}`, method: "POST", body: event() });

async function signed(key: string, producer = "signer"): Promise<Sent> {
  const body = event();
  const headers = await standardWebhook(key, crypto.randomUUID(), Math.floor(Date.now() / SECOND_MS), body);
  return { path: `/ingest/${producer}`, method: "POST", body, headers };
}

async function hubSigned(secret: string): Promise<Sent> {
  const body = event();
  return { path: "/ingest/hub", method: "POST", body, headers: await hubSignature(secret, body) };
}

const receipt = (secret: string): Sent => ({
  path: `/ingest/plain/receipts/${hex("unknown")}`,
  headers: { Authorization: `Bearer ${secret}` },
});

/** Blocks an address with one wrong token. */
async function block(address = ADDRESS): Promise<void> {
  expect((await send(withToken("wrong"), { FAILURE_RATE: aRate(0).rate }, address)).status).toBe(429);
}

/** Counts what a request makes the Worker do. */
function counted(bindings: Partial<Env> = {}) {
  const calls: string[] = [];
  const counting = <T extends object>(target: T, names: readonly string[]): T =>
    new Proxy(target, {
      get(real, name) {
        const value: unknown = Reflect.get(real, name);
        if (typeof value !== "function") return value;
        return (...given: unknown[]) => {
          if (names.includes(String(name))) calls.push(String(name));
          const result: unknown = Reflect.apply(value, real, given);
          return name === "withSession" ? counting(result as object, names) : result;
        };
      },
    });
  for (const name of ["digest", "importKey", "sign", "verify"] as const) {
    const real: unknown = Reflect.get(crypto.subtle, name);
    vi.spyOn(crypto.subtle, name).mockImplementation((...given: unknown[]) => {
      calls.push(name);
      return Reflect.apply(real as () => never, crypto.subtle, given);
    });
  }
  return { calls, bindings: { ...bindings, DB: counting(env.DB, ["prepare", "batch", "exec", "dump"]) } };
}

describe("a blocked address that guesses", () => {
  it.each<[what: string, guess: () => Sent | Promise<Sent>]>([
    ["a token", () => withToken("guess")],
    ["a personal access token", () => withToken("guess", "Bearer")],
    ["a secret", () => withSecret("guess")],
    ["a secret in the URL", () => withUrl("guess")],
    ["a secret of nobody", () => withSecret("plain-secret", "nobody")],
    ["a producer without any secret", () => ({ path: "/ingest/plain", method: "POST" })],
    ["a signature of Standard Webhooks", () => signed(WRONG_KEY)],
    ["a signature of GitHub's", () => hubSigned("guess")],
    ["the secret of a receipt", () => receipt("guess")],
  ])("%s costs no hash, no database call and no upstream call", async (_, guess) => {
    const sent = await guess();
    await block();

    for (const mode of [{}, waldur.bindings]) {
      const { calls, bindings } = counted(mode);
      expect((await send(sent, bindings)).status).toBe(429);
      expect(calls).toEqual([]);
      expect(waldur.calls).toEqual([]);
      vi.restoreAllMocks();
    }
  });

  it("costs what the same guess costs elsewhere, where it is not blocked", async () => {
    for (const sent of [withToken("guess"), withSecret("guess"), await signed(WRONG_KEY), receipt("guess")]) {
      const { calls, bindings } = counted();
      expect((await send(sent, bindings)).status).toBe(401);
      expect(calls).toEqual(expect.arrayContaining(["batch", "digest"]));
      vi.restoreAllMocks();
    }
  });

  it("never has the body of a signed request read", async () => {
    const { headers = {} } = await signed(WRONG_KEY);
    await block();
    let pulls = 0;
    const pull = (controller: ReadableStreamDefaultController) => {
      pulls += 1;
      controller.close();
    };
    const body = new ReadableStream({ pull }, { highWaterMark: 0 });

    expect((await send({ path: "/ingest/signer", method: "POST", headers, body }, {})).status).toBe(429);
    expect(pulls).toBe(0);
  });

  it("never makes Waldur look again at a token that it has refused before", async () => {
    expect((await send(withToken("refused"), waldur.bindings)).status).toBe(401);
    later(11 * SECOND_MS);
    await block();

    expect((await send(withToken("refused"), waldur.bindings)).status).toBe(429);
    expect(waldur.calls).toHaveLength(1);
  });
});

describe("credentials that were accepted lately are never refused to a blocked address", () => {
  it.each<[what: string, sent: () => Sent | Promise<Sent>, status: number]>([
    ["a secret", () => withSecret("plain-secret"), 202],
    ["a secret in the URL", () => withUrl("plain-secret"), 202],
    ["a producer that signs each message anew", () => signed(KEY), 202],
    ["a producer that signs as GitHub does", () => hubSigned("hub-secret"), 202],
    ["a producer that asks for a receipt", () => receipt("plain-secret"), 404],
  ])("%s", async (_, sent, status) => {
    expect((await send(await sent(), {})).status).toBe(status);
    await block();
    for (let use = 0; use < 2; use++) expect((await send(await sent(), {})).status).toBe(status);
  });

  it("a token, also when this isolate has to read it again", async () => {
    const { token } = await aPerson({ staff: true });
    expect((await send(withToken(token), {})).status).toBe(200);
    later(5 * MINUTE_MS);
    await block();

    expect((await send(withToken(token), {})).status).toBe(200);
  });

  it("a token of Waldur's", async () => {
    waldur.users.set("Token key", { uuid: hex("me") });
    expect((await send(withToken("key"), waldur.bindings)).status).toBe(200);
    later(5 * MINUTE_MS);
    await block();

    expect((await send(withToken("key"), waldur.bindings)).status).toBe(200);
  });

  it("but nothing else is let through with them, and not for ever", async () => {
    const { token } = await aPerson({ staff: true });
    for (const sent of [withToken(token), withSecret("plain-secret")]) await send(sent, {});
    await block();

    // Right, but not seen before; and right for something else.
    for (const sent of [withUrl("plain-secre"), withSecret("plain-secret", "hub"), withSecret(token)]) {
      expect((await send(sent, {})).status).toBe(429);
    }
    expect((await send(withToken((await aPerson({ staff: true })).token), {})).status).toBe(429);
    later(10 * MINUTE_MS);
    await block();
    for (const sent of [withToken(token), withSecret("plain-secret")]) {
      expect((await send(sent, {})).status).toBe(429);
    }
  });

  it("but a token that was revoked is refused once, and is a guess from then on", async () => {
    const { token } = await aPerson({ staff: true });
    await send(withToken(token), {});
    await env.DB.prepare("DELETE FROM tokens").run();
    later(MINUTE_MS);
    await block();

    expect((await send(withToken(token), {})).status).toBe(401);
    expect((await send(withToken(token), {})).status).toBe(429);
  });
});

describe("an address from which many producers sign", () => {
  it("never stops one that was accepted from there, however many wrong signatures come", async () => {
    expect((await send(await signed(KEY), {})).status).toBe(202);
    await block();

    expect((await send(await signed(WRONG_KEY), {})).status).toBe(401);
    expect((await send(await signed(KEY), {})).status).toBe(202);
  });

  it("never lets in another producer, or the same from another blocked address", async () => {
    expect((await send(await signed(KEY), {})).status).toBe(202);
    await block();
    await block("192.0.2.2");

    expect((await send(await signed(KEY, "other"), {})).status).toBe(429);
    expect((await send(await signed(KEY), {}, "192.0.2.2")).status).toBe(429);
  });
});

describe("an IPv6 address never counts for less than its /64", () => {
  const addresses = ["2001:db8:1:2::1", "2001:DB8:1:2:a:b:c:d", "2001:0db8:0001:0002::ffff"];

  it("when authentications fail", async () => {
    const { rate, keys } = aRate(2);
    const statuses = [];
    for (const address of addresses) {
      statuses.push((await send(withToken("wrong"), { FAILURE_RATE: rate }, address)).status);
    }
    expect(statuses).toEqual([401, 401, 429]);
    expect(new Set(keys)).toEqual(new Set(["2001:db8:1:2::/64"]));
    expect((await send(withToken("guess"), {}, "2001:db8:1:2:ffff::")).status).toBe(429);
    expect((await send(withToken("guess"), {}, "2001:db8:1:3::1")).status).toBe(401);
  });

  it("when requests are counted", async () => {
    const { rate } = aRate(2);
    const statuses = [];
    for (const address of addresses) {
      statuses.push((await send({ path: "/healthz" }, { ADDRESS_RATE: rate }, address)).status);
    }
    expect(statuses).toEqual([200, 200, 429]);
  });

  it("and an IPv4 address is the same when it is mapped into IPv6", async () => {
    await block("192.0.2.9");
    expect((await send(withToken("guess"), {}, "::ffff:192.0.2.9")).status).toBe(429);
  });
});
