import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { env } from "cloudflare:workers";
import type { Env } from "../../src/env.ts";
import worker from "../../src/worker.ts";
import { request } from "./world.ts";

/**
 * A queue that keeps what it is sent, in place of the real one, so that a test decides when it is delivered: events in
 * `bodies`, what is sent one by one (refused requests, dead letters) in `notes`.
 */
export function aQueue({ backlog = 0 } = {}) {
  const bodies: string[] = [];
  const notes: string[] = [];
  const queue = asQueue({
    send: async (body: string) => void notes.push(body),
    sendBatch: async (messages: Iterable<{ body: string }>) => {
      for (const { body } of messages) bodies.push(body);
    },
    metrics: async () => ({ backlogCount: backlog, backlogBytes: 0 }),
  });
  return { queue, bodies, notes };
}

/** A queue that does not take anything. */
export const aRefusingQueue = () =>
  asQueue({
    send: () => Promise.reject(new Error("Too Many Requests")),
    sendBatch: () => Promise.reject(new Error("Too Many Requests")),
    metrics: () => Promise.reject(new Error("Too Many Requests")),
  });

/** What the Worker calls of a queue is all that has to be there. */
export const asQueue = (queue: object) => queue as Queue<string>;

/** A bucket that does not take anything. */
export const aRefusingBucket = () =>
  ({ put: () => Promise.reject(new Error("We encountered an internal error.")) }) as unknown as R2Bucket;

/** A database that fails every call with this error, but for the first `after`. */
export function aFailingDatabase(message: string, after = 0) {
  let calls = 0;
  const batch: D1Database["batch"] = (statements) => {
    calls += 1;
    return calls > after ? Promise.reject(new Error(message)) : env.DB.batch(statements);
  };
  const prepare: D1Database["prepare"] = (query) => env.DB.prepare(query);
  return { DB: { ...env.DB, prepare, batch } as unknown as D1Database, calls: () => calls };
}

/** The rows of a table. */
export const rows = async (table: string) => (await env.DB.prepare(`SELECT * FROM ${table}`).all()).results;

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
