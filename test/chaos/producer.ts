import type { Env } from "../../src/env.ts";
import type { CloudDatabase } from "../cloud/d1.ts";
import { hook } from "../support/ingest.ts";
import type { Random } from "../support/random.ts";
import { hex, request } from "../support/world.ts";
import { nameOf } from "./reader.ts";

/** Parts of all requests: with one event, otherwise with MANY; parts of all events: sent again, sent with and without a uuid. */
const SINGLE = 0.3;
const MANY = 60;
const SENT_AGAIN = 0.03;
const TWINS = 0.02;
/** Part of all events that are large, and how large. */
const LARGE = 0.005;
const LARGE_TEXT = "漢".repeat(15_000);
/** Microseconds from one event to the next. */
const STEP = 1_000;
const START = Date.UTC(2026, 0, 1);

/** The bodies a producer sends: every event once at least, each in a request with others or alone. */
export function* bodies(events: number, random: Random): Generator<string> {
  let made = 0;
  while (made < events) {
    const size = Math.min(random.next() < SINGLE ? 1 : MANY, events - made);
    const lines: unknown[] = [];
    const later: unknown[] = [];
    for (let index = 0; index < size; index++) {
      const [first, ...others] = versions(made, random);
      lines.push(first);
      later.push(...others);
      made += 1;
    }
    yield ndjson(lines);
    if (later.length > 0) yield ndjson(later);
  }
}

const ndjson = (events: readonly unknown[]): string => events.map((event) => JSON.stringify(event)).join("\n");

/** One event in all the ways it is sent: half of them have a uuid, and some come with and without it. */
function versions(number: number, random: Random): unknown[] {
  const created = new Date(START + Math.floor(number / 3) * STEP).toISOString();
  const more = random.next() < LARGE ? { text: LARGE_TEXT } : {};
  const context = { customer_uuid: hex(`c${number % 50}`), ...more };
  const unnamed = hook({ message: nameOf(number), created, context });
  const named = { ...unnamed, uuid: hex(`e${number}`) };
  const luck = random.next();
  if (luck < TWINS) return random.next() < 0.5 ? [unnamed, named] : [named, unnamed];
  const event = random.next() < 0.5 ? named : unnamed;
  return luck < TWINS + SENT_AGAIN ? [event, event] : [event];
}

/** Sends one body; whether it was answered with 202. Everything else is to be sent again, and has to be 503. */
export async function isTaken(body: string, env: Partial<Env>, isolate: CloudDatabase): Promise<boolean> {
  const headers = { Authorization: "Bearer waldur-secret", "Content-Type": "application/x-ndjson" };
  const response = await request("/ingest/waldur", { method: "POST", body, headers }, env, isolate);
  const text = await response.text();
  if (response.status !== 202 && response.status !== 503) throw new Error(`${response.status} ${text}`);
  return response.status === 202;
}
