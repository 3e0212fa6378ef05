import { env } from "cloudflare:workers";
import type { Env } from "../../src/env.ts";
import { aQueue } from "./queue.ts";
import { request } from "./world.ts";

/** A database that fails every call with this error, but for the first `after`; like a real one, in a later task. */
export function aFailingDatabase(message: string, after = 0) {
  let calls = 0;
  const batch: D1Database["batch"] = async (statements) => {
    calls += 1;
    if (calls <= after) return env.DB.batch(statements);
    await scheduler.wait(0);
    throw new Error(message);
  };
  const prepare: D1Database["prepare"] = (query) => env.DB.prepare(query);
  return { DB: { ...env.DB, prepare, batch } as unknown as D1Database, calls: () => calls };
}

/** The database as the consumer uses it, with what its batches cost so far. */
export function aMeteredDatabase() {
  const cost = { statements: 0, rowsRead: 0, rowsWritten: 0 };
  const batch: D1Database["batch"] = async <T>(statements: D1PreparedStatement[]) => {
    cost.statements += statements.length;
    const results = await env.DB.batch<T>(statements);
    for (const { meta } of results) {
      cost.rowsRead += meta.rows_read;
      cost.rowsWritten += meta.rows_written;
    }
    return results;
  };
  const DB = new Proxy(env.DB, {
    get: (target, name) => (name === "batch" ? batch : Reflect.get(target, name).bind(target)),
  });
  return { DB, cost };
}

/** The rows of a table. */
export const rows = async (table: string) => (await env.DB.prepare(`SELECT * FROM ${table}`).all()).results;

/** Posts to the webhook of the producer `waldur`, with changed bindings of the Worker. */
export function push(
  body: unknown,
  { queue, changed, ...init }: RequestInit & { queue?: Queue<string>; changed?: Partial<Env> } = {},
): Promise<Response> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const headers = { Authorization: "Bearer waldur-secret", "Content-Type": "application/json", ...init.headers };
  const given = { ...(queue ? { INGEST_QUEUE: queue } : {}), ...changed };
  return request("/ingest/waldur", { method: "POST", body: text, ...init, headers }, given);
}

/** Sends events as `waldur`; the queue messages they became. Throws when they are not accepted. */
export async function queued(...events: unknown[]): Promise<string[]> {
  const { queue, bodies } = aQueue();
  const response = await push(events, { queue });
  if (response.status !== 202) throw new Error(`${response.status} ${await response.text()}`);
  return bodies;
}

/** The same as a producer whose secret is "s". */
export async function queuedBy(producer: string, INGEST_SECRETS: string, ...events: unknown[]): Promise<string[]> {
  const { queue, bodies } = aQueue();
  const headers = { Authorization: "Bearer s", "Content-Type": "application/json" };
  const init = { method: "POST", headers, body: JSON.stringify(events) };
  const response = await request(`/ingest/${producer}`, init, { INGEST_SECRETS, INGEST_QUEUE: queue });
  if (response.status !== 202) throw new Error(`${response.status} ${await response.text()}`);
  return bodies;
}

export const gzipped = (text: string) =>
  new Response(new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"))).arrayBuffer();

/** A web hook's body: the four keys of Waldur's hooks-web. */
export const hook = (event: Record<string, unknown> = {}) => ({
  created: "2026-03-01T12:00:00.000001+00:00",
  message: "Project Õun has been created.",
  context: { customer_uuid: "c".repeat(32), project_uuid: "d".repeat(32) },
  event_type: "project_creation_succeeded",
  ...event,
});
