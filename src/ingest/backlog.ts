import { tooManyRequests } from "../http/errors.ts";
import { withDeadline } from "./deadline.ts";

/** Milliseconds that a known backlog is used. */
const FRESH_MS = 5_000;
const METRICS_DEADLINE_MS = 500;
/** Seconds after which a producer with too many waiting messages may try again. */
const RETRY_AFTER_SECONDS = 10;

const known = new WeakMap<Queue<string>, { count: number | undefined; at: number }>();

/**
 * Throws 429 when more messages wait in the queue than the producer's limit allows. Each isolate asks the queue every few
 * seconds. An unknown backlog limits nobody. `now` in milliseconds.
 */
export async function checkBacklog(queue: Queue<string>, limit: number, now: number): Promise<void> {
  const count = await backlog(queue, now);
  if (count === undefined || count <= limit) return;
  const detail = `More than ${limit} messages are waiting to be stored; send it later.`;
  throw tooManyRequests(limit, RETRY_AFTER_SECONDS, detail);
}

async function backlog(queue: Queue<string>, now: number): Promise<number | undefined> {
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
