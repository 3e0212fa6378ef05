import { createExecutionContext, createScheduledController, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { database } from "../../src/db/client.ts";
import type { Env } from "../../src/env.ts";
import type { NewEvent } from "../../src/events/event.ts";
import { recordEvents } from "../../src/events/write/record.ts";
import worker from "../../src/worker.ts";
import { inCloud } from "../cloud/cloud.ts";
import { type CloudDatabase, cloudDatabase } from "../cloud/d1.ts";
import { aQueue } from "./queue.ts";

export const ORIGIN = "https://events.example.org";

/** 32 hex digits that differ for every name. */
export function hex(name: string | number): string {
  let text = "";
  for (const letter of String(name)) text += letter.charCodeAt(0).toString(16).padStart(2, "0");
  return text.slice(-32).padStart(32, "0");
}

/** A UUID of 32 hex digits, with dashes. */
export const dashed = (uuid: string): string => uuid.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");

let made = 0;

/** An event; every one has another uuid and, unless told otherwise, a later second. */
export function anEvent(
  event: Partial<Omit<NewEvent, "context">> & { context?: Record<string, unknown> } = {},
): NewEvent {
  made += 1;
  return {
    uuid: crypto.randomUUID().replaceAll("-", ""),
    created: (1_750_000_000 + made) * 1_000_000,
    eventType: "project_created",
    message: `Event ${made}`,
    producer: "waldur",
    receivedAt: 4_000_000_000_000_000,
    tellsPlaces: true,
    ...event,
    context: JSON.stringify(event.context ?? {}),
  };
}

/** Writes events as the consumer does. */
export const recorded = (...events: NewEvent[]) => recordEvents(database(cloudDatabase(env.DB)), events);

/**
 * The bindings of the Worker for one invocation, with the limits of the cloud, with queues that deliver nothing (the real
 * ones would, in the middle of a later test), without rate limits (each costs as much as a query) and without the bell, whose
 * timers would outlive a test.
 */
export function bindings(changed: Partial<Env> = {}, isolate: CloudDatabase = {}): Env {
  const { TOKEN_RATE, ADDRESS_RATE, FAILURE_RATE, FEED_BELL, ...others } = env;
  return inCloud({ ...others, INGEST_QUEUE: aQueue().queue, INGEST_DEAD_LETTERS: aQueue().queue, ...changed }, isolate);
}

/** One request to the Worker. */
export async function request(
  path: string,
  init: RequestInit = {},
  changed: Partial<Env> = {},
  isolate: CloudDatabase = {},
): Promise<Response> {
  const ctx = createExecutionContext();
  const incoming = new Request(`${ORIGIN}${path}`, { redirect: "manual", ...init }) as Parameters<
    typeof worker.fetch
  >[0];
  const response = await worker.fetch(incoming, bindings(changed, isolate), ctx);
  await waitOnExecutionContext(ctx);
  return response;
}

/** Runs the cron jobs of every minute. */
export async function runMinute(changed: Partial<Env> = {}, isolate: CloudDatabase = {}): Promise<void> {
  await worker.scheduled(createScheduledController({ cron: "* * * * *" }), bindings(changed, isolate));
}

/** GET with a token. */
export const get = (path: string, token: string, init: RequestInit = {}, changed: Partial<Env> = {}) =>
  request(path, { ...init, headers: { Authorization: `Token ${token}`, ...init.headers } }, changed);

/** The rows of the database that a response to staff has read; NaN when it does not tell. */
export const rowsRead = (response: Response): number =>
  Number(/rows_read;desc="(\d+)"/.exec(response.headers.get("Server-Timing") ?? "")?.[1] ?? Number.NaN);

/** A query string of these pairs, encoded; empty for none. */
export function query(...pairs: readonly (readonly [name: string, value: string])[]): string {
  const text = String(new URLSearchParams(pairs.map(([name, value]) => [name, value])));
  return text && `?${text}`;
}

/** The messages of the events a list answers, in its order; throws when it answers anything but 200. */
export async function messages(token: string, search = ""): Promise<string[]> {
  const response = await get(`/api/events/${search}`, token);
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
  return (await response.json<{ message: string }[]>()).map((event) => event.message);
}
