import { database, runBatch } from "../../db/client.ts";
import type { Env } from "../../env.ts";
import { completeness, raise } from "../../events/log/complete.ts";
import { withDeadline } from "../../values/deadline.ts";
import { microsecondsNow } from "../../values/time.ts";
import { DEAD_PREFIX, SPILL_PREFIX, UNREADABLE_PREFIX } from "../queue/keys.ts";
import { CLOCK_SKEW_MS, holdOf, LEASE_MS, type Mark, METRICS_AGE_MS, NO_MARK, readMark, replaceMark } from "./mark.ts";
import { type Metrics, oldestIn } from "./metrics.ts";
import { WATERMARK_MARGIN_MS } from "./through.ts";

/** Milliseconds that a queue has to tell its metrics. */
const METRICS_DEADLINE_MS = 2_000;
/** The watermark is raised by more than this only, milliseconds: at most one row written a minute, while no events come. */
const STEP_MS = 30_000;
/** The mark is confirmed when it is older, milliseconds: 8,640 puts a month, $0.04. */
const CONFIRM_MS = 5 * 60_000;
/** The longest delay of a retry, and more: of a Worker that knows no mark, messages may be missing in the metrics. */
const UNKNOWN_MS = 16 * 60_000;
/** Where accepted messages are that no queue has. */
const OUTSIDE = [SPILL_PREFIX, DEAD_PREFIX, UNREADABLE_PREFIX];

type Bindings = Pick<Env, "DB" | "SPILL" | "INGEST_QUEUE" | "INGEST_DEAD_LETTERS">;

/** Of both queues, the time of the oldest message: Infinity for an empty queue, undefined where it is not known. */
interface Oldest {
  main: number | undefined;
  dead: number | undefined;
}

/**
 * The job of every minute: ends what holds the watermark, once it is proven to be over, and raises the watermark when no
 * delivery does. Does nothing while R2 does not answer. `now` in milliseconds, at the start.
 */
export async function watchCompleteness(env: Bindings, now = Date.now()): Promise<void> {
  try {
    await watch(env, now);
  } catch (error) {
    console.warn(JSON.stringify({ level: "warn", event: "watermark_not_watched", error: String(error) }));
  }
}

/** The metrics come before the mark, as in `throughOf`. */
async function watch(env: Bindings, now: number): Promise<void> {
  const [main, dead] = await Promise.all([oldestOf(env.INGEST_QUEUE), oldestOf(env.INGEST_DEAD_LETTERS)]);
  const read = await readMark(env.SPILL);
  const next = await nextMark(env, read.mark, { main, dead }, now);
  // Who holds the watermark meanwhile has changed the mark, and it stays as it is.
  if (next !== undefined) await replaceMark(env.SPILL, read, { ...next, at: now });
  else if (holdOf(read.mark, now) === undefined) await advance(env, { main, dead }, now);
}

/** The mark as it is to be, if it is to be written. */
async function nextMark(env: Bindings, mark: Mark | undefined, oldest: Oldest, now: number): Promise<Mark | undefined> {
  if (mark === undefined || now - mark.at >= LEASE_MS) return await doubted(env, mark ?? NO_MARK, now);
  const { outside } = mark;
  const isDue = outside !== null && now > outside.until + CLOCK_SKEW_MS;
  if (isDue && outside.emptyAt === undefined && (await isEmpty(env.SPILL))) {
    return { ...mark, outside: { ...outside, emptyAt: Date.now() } };
  }
  if (isDue && outside.emptyAt !== undefined && isSettled(mark, outside.emptyAt, oldest, now))
    return { ...mark, outside: null };
  return now - mark.at >= CONFIRM_MS ? mark : undefined;
}

/** The mark when nobody knows what happened before: a Worker that knows no mark may have spilled and retried messages. */
async function doubted({ DB }: Bindings, mark: Mark, now: number): Promise<Mark> {
  const [state] = await runBatch(database(DB), [completeness]);
  const { complete_through, is_empty } = state?.results[0] ?? {};
  const until = complete_through === 0 && is_empty === 1 ? now : now + UNKNOWN_MS;
  const { reason = "unknown", since = now, producer } = mark.outside ?? {};
  const outside = { reason, since, until: Math.max(mark.outside?.until ?? 0, until) };
  return { ...mark, outside: { ...outside, ...(producer ? { producer } : {}) } };
}

/**
 * Whether both queues have settled what came to them before R2 was empty, and show it: no message waits for a retry. Metrics
 * have an age, so the time has to be some seconds ago.
 */
function isSettled(mark: Mark, emptyAt: number, { main, dead }: Oldest, now: number): boolean {
  if (now - METRICS_AGE_MS <= Math.max(mark.unseen.until, emptyAt)) return false;
  return [main, dead].every((oldest) => oldest !== undefined && oldest > emptyAt + CLOCK_SKEW_MS);
}

/** Only while the dead-letter queue is empty: a message that the platform moves there may get a later time. */
async function advance({ DB }: Bindings, { main, dead }: Oldest, now: number): Promise<void> {
  if (main === undefined || dead !== Number.POSITIVE_INFINITY) return;
  const oldest = Math.min(main, now - METRICS_AGE_MS);
  await runBatch(database(DB), [raise(microsecondsNow(oldest - WATERMARK_MARGIN_MS), microsecondsNow(STEP_MS))]);
}

async function oldestOf(queue: { metrics(): Promise<Metrics> }): Promise<number | undefined> {
  try {
    return oldestIn(await withDeadline(queue.metrics(), METRICS_DEADLINE_MS, "The queue did not answer in time."));
  } catch (error) {
    console.warn(JSON.stringify({ level: "warn", event: "queue_metrics_unavailable", error: String(error) }));
    return undefined;
  }
}

async function isEmpty(bucket: R2Bucket): Promise<boolean> {
  const lists = await Promise.all(OUTSIDE.map((prefix) => bucket.list({ prefix, limit: 1 })));
  return lists.every(({ objects, truncated }) => objects.length === 0 && !truncated);
}
