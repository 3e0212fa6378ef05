import { withDeadline } from "../../values/deadline.ts";
import { microsecondsNow } from "../../values/time.ts";
import { LAST_ATTEMPT } from "../queue/retry.ts";
import { holdOutside, holdUnseen } from "./hold.ts";
import { CLOCK_SKEW_MS, holdOf, METRICS_AGE_MS, readMark } from "./mark.ts";
import { oldestIn } from "./metrics.ts";

/** Milliseconds that R2 has to say whether the watermark is held. */
const READ_DEADLINE_MS = 1_000;
/** The longest time that a consumer may run: a message that the metrics miss is settled, or back in the queue, after it. */
const MAX_CONSUMER_SECONDS = 900;

/**
 * Taken from the time of the oldest message, milliseconds: the queue may give a message an earlier time than the isolate that
 * answered 202, and metrics that are a little old do not have the newest messages, which may come out of order.
 */
export const WATERMARK_MARGIN_MS = CLOCK_SKEW_MS;

/**
 * Up to when everything that was answered with 202 is settled, but for the messages of this delivery and those behind them:
 * microseconds, 0 when that is not known. From what is known when the delivery begins: the metrics come before the mark,
 * so that what ended in between is settled, and what began in between is later.
 */
export async function throughOf(batch: MessageBatch<unknown>, bucket: R2Bucket, now = Date.now()): Promise<number> {
  if (batch.messages.some(({ attempts }) => attempts >= LAST_ATTEMPT)) await holdLast(bucket);
  const oldest = await oldestUnsettled(batch, bucket, now);
  if (oldest === undefined || oldest <= WATERMARK_MARGIN_MS) return 0;
  return (await isHeld(bucket, now)) ? 0 : microsecondsNow(oldest - WATERMARK_MARGIN_MS);
}

/** The time of the oldest message of the queue, this delivery included. */
async function oldestUnsettled(
  batch: MessageBatch<unknown>,
  bucket: R2Bucket,
  now: number,
): Promise<number | undefined> {
  const oldest = oldestIn(batch.metadata?.metrics);
  const own = batch.messages.reduce((first, { timestamp }) => Math.min(first, Number(timestamp)), now);
  if (oldest === undefined || oldest <= own) return oldest;
  // The metrics do not have the messages of this delivery, so they may also lack those of another one.
  if (own > 0 && now - own > METRICS_AGE_MS) await holdUnseen(bucket, "queue", MAX_CONSUMER_SECONDS, now);
  return undefined;
}

/** After its last delivery, the platform moves a message to the dead letters, also when the consumer dies. */
async function holdLast(bucket: R2Bucket): Promise<void> {
  try {
    await holdOutside(bucket, "dead");
  } catch (error) {
    console.error(
      JSON.stringify({ level: "error", event: "watermark_not_held", reason: "dead", error: String(error) }),
    );
  }
}

/** Also when R2 does not say. */
async function isHeld(bucket: R2Bucket, now: number): Promise<boolean> {
  try {
    const { mark } = await withDeadline(readMark(bucket), READ_DEADLINE_MS, "R2 did not answer in time.");
    return holdOf(mark, now) !== undefined;
  } catch (error) {
    console.warn(JSON.stringify({ level: "warn", event: "watermark_mark_unavailable", error: String(error) }));
    return true;
  }
}
