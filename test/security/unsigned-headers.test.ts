import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { deliver } from "../support/batch.ts";
import { hook, rows } from "../support/ingest.ts";
import { aQueue } from "../support/queue.ts";
import { hubSignature, standardWebhook } from "../support/sign.ts";
import { request } from "../support/world.ts";

const KEY = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
// A tolerance of a lifetime: these tests are about headers, not about time.
const INGEST_SECRETS = JSON.stringify({
  standard: { auth: "standard-webhooks", secrets: [KEY], tolerance: 1e12 },
  github: { auth: "github", secrets: [KEY] },
  forms: { auth: "standard-webhooks", secrets: [KEY], tolerance: 1e12, format: "form" },
  batches: { auth: "github", secrets: [KEY], format: "cloudevents-batch" },
});
const untimed = hook({ created: undefined });

async function send(producer: string, headers: Record<string, string>, body: string) {
  const { queue, bodies } = aQueue();
  const init = { method: "POST", body, headers: { "Content-Type": "application/json", ...headers } };
  const response = await request(`/ingest/${producer}`, init, { INGEST_SECRETS, INGEST_QUEUE: queue });
  await deliver(bodies, { INGEST_SECRETS });
  return {
    status: response.status,
    ...(await response.json<{ uuids?: string[]; warnings?: string[]; detail?: string }>()),
  };
}

const signed = {
  standard: (body: string) => standardWebhook(KEY, "msg_1", 1_790_000_000, body),
  github: (body: string) => hubSignature(KEY, body),
};

describe.each(["standard", "github"] as const)(
  "who repeats a captured request of a producer that signs (%s)",
  (producer) => {
    const body = JSON.stringify(untimed);

    it.each<[what: string, headers: Record<string, string>]>([
      ["an Idempotency-Key", { "Idempotency-Key": "another" }],
      [
        "attributes of a CloudEvent",
        {
          "ce-specversion": "1.0",
          "ce-id": "forged",
          "ce-source": "/x",
          "ce-type": "user_deletion_succeeded",
          "ce-time": "1999-01-01T00:00:00Z",
        },
      ],
      ["nothing else", {}],
    ])("never makes another event of it by adding %s", async (_what, more) => {
      const headers = await signed[producer](body);
      const first = await send(producer, headers, body);
      const again = await send(producer, { ...headers, ...more }, body);

      expect([first.status, again.status, again.uuids]).toEqual([202, 202, first.uuids]);
      expect(await rows("events")).toHaveLength(1);
      const names = Object.keys(more)
        .map((name) => name.toLowerCase())
        .sort();
      expect(again.warnings ?? []).toEqual(
        names.length === 0 ? [] : [`These headers are not signed and were ignored: ${names.join(", ")}.`],
      );
    });

    it.each([
      "application/x-ndjson",
      "application/x-www-form-urlencoded",
      "application/cloudevents+json",
      "text/plain",
    ])("never has its body read as %s", async (type) => {
      const forged = await send(producer, { ...(await signed[producer](body)), "Content-Type": type }, body);

      expect(forged).toMatchObject({ status: 415, detail: expect.stringContaining("the format of this producer") });
      expect(await rows("events")).toEqual([]);
    });
  },
);

it("a webhook-id that GitHub's scheme does not sign never makes another event", async () => {
  const body = JSON.stringify(untimed);
  const headers = await hubSignature(KEY, body);
  await send("github", { ...headers, "webhook-id": "one" }, body);
  await send("github", { ...headers, "webhook-id": "two" }, body);

  expect(await rows("events")).toHaveLength(1);
});

it("the webhook-id of a signature names the events, whatever Idempotency-Key stands beside it", async () => {
  const body = JSON.stringify(untimed);
  const first = await send("standard", { ...(await signed.standard(body)), "Idempotency-Key": "a" }, body);
  const other = await send("standard", await standardWebhook(KEY, "msg_2", 1_790_000_000, body), body);

  expect(other.uuids).not.toEqual(first.uuids);
  expect(await env.DB.prepare("SELECT count(*) AS n FROM events").first("n")).toBe(2);
});

it("a producer that signs may have another format, which is fixed, too", async () => {
  const events = [{ specversion: "1.0", id: "1", source: "/crm", type: "user_activated" }];
  const body = JSON.stringify(events);
  const type = "application/cloudevents-batch+json";
  const sent = await send("batches", { ...(await hubSignature(KEY, body)), "Content-Type": type }, body);
  const forged = await send("batches", await hubSignature(KEY, body), body);

  expect([sent.status, forged.status]).toEqual([202, 415]);
});

it("who repeats a captured request never makes another event by moving the end of its id into its body", async () => {
  const body = "created=2026-11-01T00:00:00Z&event_type=user_activated&message=Ada";
  const type = { "Content-Type": "application/x-www-form-urlencoded" };
  const headers = { ...(await standardWebhook(KEY, "order.1790000000", 1_790_000_001, body)), ...type };
  const original = await send("forms", headers, body);
  const moved = { ...headers, "webhook-id": "order", "webhook-timestamp": "1790000000" };
  const forged = await send("forms", moved, `1790000001.${body}`);

  expect([original.status, forged.status]).toEqual([202, 401]);
  expect(await rows("events")).toHaveLength(1);
});
