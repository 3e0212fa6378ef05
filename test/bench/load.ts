import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { readD1Migrations } from "@cloudflare/vitest-plugin";
import type { AcceptedEvent } from "../../src/ingest/event.ts";
import { contentUuid } from "../../src/ingest/identity.ts";
import { packMessages } from "../../src/ingest/queue/message.ts";
import { INGEST_QUEUE_NAME } from "../../src/ingest/queue/names.ts";
import { parseTime } from "../../src/values/time.ts";
import { type Server, schemaId, serve } from "./server.ts";
import { CACHE, ROOT, STAFF_TOKEN } from "./settings.ts";

/** Events given to the consumer at once while loading. */
const LOAD_BATCH = 5_000;

/** How often things occur in the loaded events: the values that requests are made of. */
export interface Census {
  events: number;
  types: [string, number][];
  customers: [string, number][];
  projects: [string, number][];
  users: [string, number][];
  /** Bytes of the events as JSON. */
  bytes: number;
}

/** A database with these events, loaded through the real consumer; from the cache when it was made before. */
export async function loaded(events: number, seed: number): Promise<{ state: string; census: Census }> {
  const state = join(CACHE, `state-${events}-${seed}-${schemaId()}`);
  const told = join(state, "census.json");
  if (!existsSync(told)) {
    const making = `${state}.making`;
    rmSync(making, { recursive: true, force: true });
    mkdirSync(making, { recursive: true });
    const census = await load(making, events, seed);
    writeFileSync(join(making, "census.json"), JSON.stringify(census));
    renameSync(making, state);
  }
  return { state, census: JSON.parse(readFileSync(told, "utf8")) };
}

/** Makes the tables and a staff user with STAFF_TOKEN in an empty database. */
export async function prepareDatabase({ mf }: Server): Promise<void> {
  const db = await mf.getD1Database("DB", "ours");
  for (const { queries } of await readD1Migrations(join(ROOT, "migrations"))) {
    for (const query of queries) await db.prepare(query).run();
  }
  await db
    .prepare("INSERT INTO users (uuid, username, is_staff, is_support, is_active) VALUES (?, 'bench', 1, 0, 1)")
    .bind("0".repeat(32))
    .run();
  const hash = createHash("sha256").update(STAFF_TOKEN).digest("hex");
  await db.prepare("INSERT INTO tokens (hash, user_uuid, created) VALUES (?, ?, 0)").bind(hash, "0".repeat(32)).run();
}

async function load(state: string, events: number, seed: number): Promise<Census> {
  const server = await serve(state);
  await prepareDatabase(server);
  const { mf, takeLog } = server;
  const counts = { types: new Map(), customers: new Map(), projects: new Map(), users: new Map() };
  const worker = await mf.getWorker("ours");
  const started = Date.now();
  let done = 0;
  let bytes = 0;
  for await (const lines of batches(sampleLines(events, seed), LOAD_BATCH)) {
    for (const line of lines) {
      bytes += Buffer.byteLength(line);
      take(counts, JSON.parse(line));
    }
    await deliver(worker, lines);
    done += lines.length;
    takeLog();
    if (done % 50_000 === 0)
      console.log(
        `  ${done.toLocaleString("en")} loaded, ${Math.round((done / (Date.now() - started)) * 1000)} events/s`,
      );
  }
  await mf.dispose();
  const sorted = (map: Map<string, number>) => [...map].sort((a, b) => b[1] - a[1]);
  return {
    events,
    bytes,
    types: sorted(counts.types),
    customers: sorted(counts.customers),
    projects: sorted(counts.projects),
    users: sorted(counts.users),
  };
}

type Counts = Record<"types" | "customers" | "projects" | "users", Map<string, number>>;

function take(counts: Counts, event: { event_type: string; context: Record<string, unknown> }): void {
  const add = (map: Map<string, number>, key: unknown) =>
    typeof key === "string" && map.set(key, (map.get(key) ?? 0) + 1);
  add(counts.types, event.event_type);
  add(counts.customers, event.context.customer_uuid);
  add(counts.projects, event.context.project_uuid);
  add(counts.users, event.context.user_uuid);
}

type QueueWorker = Awaited<ReturnType<Awaited<ReturnType<typeof serve>>["mf"]["getWorker"]>>;

/** Gives events to the Worker's queue handler, packed as the webhook packs them; throws when they were not all taken. */
export async function deliver(worker: QueueWorker, lines: readonly string[], perMessage = Infinity): Promise<void> {
  const accepted = await Promise.all(lines.map(acceptedEvent));
  const envelope = { producer: "bench", receivedAt: Date.now() * 1000 };
  const groups = perMessage === Infinity ? [accepted] : accepted.map((event) => [event]);
  const messages = groups
    .flatMap((group) => packMessages(envelope, group))
    .map((body, index) => ({ id: String(index), timestamp: new Date(), attempts: 1, body }));
  const result = await worker.queue(INGEST_QUEUE_NAME, messages);
  if (result.outcome !== "ok" || result.retryMessages.length > 0)
    throw new Error(`Not taken: ${JSON.stringify(result)}`);
}

/** As the webhook accepts what Waldur posts: without a uuid, so the content names it. */
async function acceptedEvent(line: string): Promise<AcceptedEvent> {
  const { created: time, event_type: eventType, message, context } = JSON.parse(line);
  const created = parseTime(time) ?? 0;
  const uuid = await contentUuid({ created, eventType, message, context });
  return { uuid, created, eventType, message, context: JSON.stringify(context) };
}

/** Lines of the sample generator. */
export function sampleLines(count: number, seed: number, skip = 0): AsyncIterable<string> {
  const script = join(ROOT, "src/cli/sample-events.mjs");
  const child = spawn(process.execPath, [script, "--count", String(count), "--seed", String(seed)]);
  return skipped(createInterface({ input: child.stdout }), skip);
}

async function* skipped(lines: AsyncIterable<string>, skip: number): AsyncIterable<string> {
  let index = 0;
  for await (const line of lines) if (index++ >= skip) yield line;
}

export async function* batches(lines: AsyncIterable<string>, size: number): AsyncIterable<string[]> {
  let batch: string[] = [];
  for await (const line of lines) {
    batch.push(line);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
