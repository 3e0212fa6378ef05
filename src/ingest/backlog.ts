import { ExpiringCache } from "../http/cache.ts";
import { tooManyRequests } from "../http/errors.ts";
import { withDeadline } from "../values/deadline.ts";
import type { Producer } from "./producers/find.ts";

/** Milliseconds that a known backlog is used. */
const FRESH_MS = 5_000;
const METRICS_DEADLINE_MS = 500;
/** Seconds after which a producer with too many waiting messages may try again. */
const RETRY_AFTER_SECONDS = 10;

/** Requests in a minute up to which a producer is let in while another one fills the queue. */
export const MODEST_REQUESTS = 60;
/** The number of limits above which nobody is let in. */
const LAST_LIMIT = 2;
const MINUTE_MS = 60_000;
const MAX_PRODUCERS = 10_000;

const known = new WeakMap<Queue<string>, { count: number | undefined; at: number }>();
/** Requests of a producer in one minute, counted by this isolate. */
const requests = new ExpiringCache<{ minute: number; count: number }>(MAX_PRODUCERS);

/**
 * Throws 429 when more messages wait in the queue than the limit allows: the producer's own, else `common`. A producer that
 * sends little is let in beyond the common limit, up to twice as many messages, so that one that sends much does not close
 * the queue for others. Each isolate asks the queue every few seconds. An unknown backlog limits nobody. `now` in
 * milliseconds.
 */
export async function checkBacklog(
  queue: Queue<string>,
  { name, maxBacklog }: Pick<Producer, "name" | "maxBacklog">,
  common: number,
  now: number,
): Promise<void> {
  const isModest = maxBacklog === undefined && requestsInMinute(name, now) <= MODEST_REQUESTS;
  const limit = maxBacklog ?? (isModest ? LAST_LIMIT * common : common);
  const count = await backlog(queue, now);
  if (count === undefined || count <= limit) return;
  const detail = `More than ${limit} messages are waiting to be stored; send it later.`;
  throw tooManyRequests(limit, RETRY_AFTER_SECONDS, detail);
}

/** Counts this request. */
function requestsInMinute(name: string, now: number): number {
  const minute = Math.floor(now / MINUTE_MS);
  const last = requests.get(name, MINUTE_MS, now);
  const count = 1 + (last?.minute === minute ? last.count : 0);
  requests.set(name, { minute, count }, now);
  return count;
}

/** Messages that wait in the queue, as they were up to FRESH_MS ago; undefined when that is not known. `now` in milliseconds. */
export async function backlog(queue: Queue<string>, now: number): Promise<number | undefined> {
  const last = known.get(queue);
  if (last !== undefined && now - last.at < FRESH_MS) return last.count;
  let count: number | undefined;
  try {
    count = (await withDeadline(queue.metrics(), METRICS_DEADLINE_MS, "The queue did not answer in time."))
      .backlogCount;
  } catch (error) {
    console.warn(JSON.stringify({ level: "warn", event: "backlog_unknown", error: String(error) }));
  }
  known.set(queue, { count, at: now });
  return count;
}
