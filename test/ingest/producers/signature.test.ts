import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { sha256 } from "../../../src/values/bytes.ts";
import { hook } from "../../support/ingest.ts";
import { hubSignature, standardWebhook } from "../../support/sign.ts";
import { request } from "../../support/world.ts";

/** The time of the server, seconds since 1970: a signature that is too old would be refused for its age. */
const NOW = 1_780_000_000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: NOW * 1000 });
});
afterEach(() => {
  vi.useRealTimers();
});

const body = JSON.stringify(hook());
const KEY = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NAMES = ["signer", "github", "plain"];
const INGEST_SECRETS = JSON.stringify({
  signer: { auth: "standard-webhooks", secrets: [`whsec_${KEY}`] },
  github: { auth: "github", secrets: ["key"] },
  plain: ["secret"],
});

async function post(name: string, headers: Record<string, string>): Promise<number> {
  const all = { "Content-Type": "application/json", ...headers };
  return (await request(`/ingest/${name}`, { method: "POST", body, headers: all }, { INGEST_SECRETS })).status;
}

/** HMAC fills a key up with zeros, so all of these are the empty key. */
const EMPTY_KEYS = ["\0", "\0".repeat(32), "\0".repeat(64)];

describe("a signature made with", () => {
  it("the key of the producer lets it in", async () => {
    expect(await post("github", await hubSignature("key", body))).toBe(202);
    expect(await post("signer", await standardWebhook(KEY, "msg_1", NOW, body))).toBe(202);
  });

  it("the digest of a bearer secret, which is all that the database has, lets nobody in", async () => {
    const digest = (await sha256("secret")).toBase64();
    expect(await post("plain", await standardWebhook(digest, "msg_1", NOW, body))).toBe(401);
    expect(await post("plain", { Authorization: "Bearer secret" })).toBe(202);
  });

  it.each(EMPTY_KEYS)("the empty key lets nobody in, whatever proof the producer has (%j)", async (key) => {
    const webhook = await standardWebhook(btoa(key), "msg_1", NOW, body);
    for (const name of NAMES) {
      expect(await post(name, await hubSignature(key, body)), name).toBe(401);
      expect(await post(name, webhook), name).toBe(401);
    }
  });
});
