import { type SQL, sql } from "drizzle-orm";
import type { Env } from "../../env.ts";
import { HttpError } from "../../http/errors.ts";
import { withDeadline } from "../../values/deadline.ts";
import { dayOf } from "../../values/periods.ts";
import { microsecondsNow } from "../../values/time.ts";
import { findProducer } from "../producers/find.ts";
import { packRejections, type Rejections } from "../queue/message.ts";
import { SEND_DEADLINE_MS } from "../queue/send.ts";

const REASONS: Readonly<Record<number, string>> = {
  400: "invalid",
  401: "credentials",
  403: "not_allowed",
  405: "method",
  409: "conflict",
  413: "too_large",
  415: "unknown_type",
  429: "too_fast",
  503: "unavailable",
};

/** Microseconds after which a message is taken for one whose request has died: it would have met its deadline by then. */
const MAX_SENDING = 2 * SEND_DEADLINE_MS * 1_000;

type Counts = readonly (readonly [key: string, count: number])[];

/** What an isolate has not told a queue yet, and the message that it is sending, with the time when that began. */
interface Waiting {
  counts: Map<string, number>;
  sending?: { since: number; taken: Counts };
}

const waiting = new WeakMap<Queue<string>, Waiting>();

/**
 * Counts a rejected request by its reason, after the response. Only existing producers are counted, because anybody can
 * make up names. `now` in milliseconds.
 */
export async function reportRejection(env: Env, name: string, error: unknown, now: number): Promise<void> {
  const status = error instanceof HttpError ? error.status : 500;
  try {
    if ((await findProducer(env, name, now)) === undefined) return;
  } catch {
    // Whatever keeps producers from being found has failed the request as well, and was logged then.
    return;
  }
  await queueRejection(env.INGEST_QUEUE, name, REASONS[status] ?? "error", microsecondsNow(now));
}

/**
 * Counts a rejected request through the queue, so that no request waits for a write. Each isolate sends one message at a
 * time; rejections that arrive meanwhile go with the next message, and those that the queue does not take wait for the
 * next rejection. When a request dies, so does what it was sending, without an end: the next rejection takes it over.
 * `now` in microseconds.
 */
export async function queueRejection(
  queue: Queue<string>,
  producer: string,
  reason: string,
  now: number,
): Promise<void> {
  const entry: Waiting = waiting.get(queue) ?? { counts: new Map() };
  waiting.set(queue, entry);
  add(entry, [[JSON.stringify([producer, dayOf(now), reason]), 1]]);
  if (entry.sending !== undefined && now - entry.sending.since < MAX_SENDING) return;
  giveBack(entry);
  try {
    while (entry.counts.size > 0 && entry.sending === undefined) await sendWaiting(queue, entry);
  } catch (error) {
    console.error(JSON.stringify({ level: "error", event: "rejections_not_counted", error: String(error) }));
  }
}

const add = ({ counts }: Waiting, more: Counts): void => {
  for (const [key, count] of more) counts.set(key, (counts.get(key) ?? 0) + count);
};

/** The counts of a message that was not sent wait again. */
function giveBack(entry: Waiting): void {
  add(entry, entry.sending?.taken ?? []);
  delete entry.sending;
}

async function sendWaiting(queue: Queue<string>, entry: Waiting): Promise<void> {
  const sending = { since: microsecondsNow(), taken: [...entry.counts] };
  entry.sending = sending;
  entry.counts.clear();
  try {
    await send(queue, sending.taken);
    if (entry.sending === sending) delete entry.sending;
  } catch (error) {
    if (entry.sending === sending) giveBack(entry);
    throw error;
  }
}

async function send(queue: Queue<string>, taken: Counts): Promise<void> {
  const counts = taken.map(([key, count]): Rejections[number] => {
    const [producer = "", day = "", reason = ""]: string[] = JSON.parse(key);
    return [producer, day, reason, count];
  });
  const sent = queue.send(packRejections(counts), { contentType: "text" });
  await withDeadline(sent, SEND_DEADLINE_MS, "The queue did not answer in time.");
}

/** The statement that adds rejected requests to the table; one row written for each producer, day and reason. */
export const addRejections = (counts: Rejections): SQL => sql`INSERT INTO ingest_rejections
    (producer, day, reason, requests)
  SELECT value->>0, value->>1, value->>2, sum(value->>3) FROM json_each(${JSON.stringify(counts)})
  WHERE true GROUP BY 1, 2, 3
  ON CONFLICT DO UPDATE SET requests = requests + excluded.requests`;
