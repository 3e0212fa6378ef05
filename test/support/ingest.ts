import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { env } from "cloudflare:workers";
import type { Env } from "../../src/env.ts";
import worker from "../../src/worker.ts";
import { request } from "./world.ts";

/** A queue that keeps what it is sent, in place of the real one, so that a test decides when it is delivered. */
export function aQueue() {
  const bodies: string[] = [];
  const queue = {
    sendBatch: async (messages: Iterable<{ body: string }>) => {
      for (const { body } of messages) bodies.push(body);
    },
  } as unknown as Queue<string>;
  return { queue, bodies };
}

/** Posts to the webhook of the producer `waldur`; the queue is the real one unless given. */
export function push(
  body: unknown,
  { queue, ...init }: RequestInit & { queue?: Queue<string> } = {},
): Promise<Response> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const headers = { Authorization: "Bearer waldur-secret", "Content-Type": "application/json", ...init.headers };
  const bindings: Partial<Env> = queue ? { INGEST_QUEUE: queue } : {};
  return request("/ingest/waldur", { method: "POST", body: text, ...init, headers }, bindings);
}

/** Delivers bodies to the consumer as one batch and tells what became of each message (ids are "0", "1" …). */
export async function deliver(bodies: readonly unknown[], bindings: Partial<Env> = {}) {
  const messages = bodies.map((body, index) => ({ id: String(index), timestamp: new Date(0), attempts: 1, body }));
  const batch = createMessageBatch("edge-events-ingest", messages);
  const ctx = createExecutionContext();
  await worker.queue(batch, { ...env, ...bindings });
  const result = await getQueueResult(batch, ctx);
  return { acked: result.explicitAcks, retried: result.retryMessages.map(({ msgId }) => msgId) };
}

/** A web hook's body: the four keys of Waldur's hooks-web. */
export const hook = (event: Record<string, unknown> = {}) => ({
  created: "2026-03-01T12:00:00.000001+00:00",
  message: "Project Õun has been created.",
  context: { customer_uuid: "c".repeat(32), project_uuid: "d".repeat(32) },
  event_type: "project_creation_succeeded",
  ...event,
});
