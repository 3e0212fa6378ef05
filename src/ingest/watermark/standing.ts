import type { Env } from "../../env.ts";
import { withDeadline } from "../../values/deadline.ts";
import { type Hold, holdOf, readMark } from "./mark.ts";
import { oldestIn } from "./metrics.ts";

/** Milliseconds that R2 and the queue have to answer. */
const DEADLINE_MS = 1_000;
/** A message that waits for longer, milliseconds, keeps the watermark back. */
const LONG_MS = 60_000;

/**
 * Why the watermark stands still, and since when (milliseconds since 1970; 0: nobody knows); undefined when it advances. A
 * queue that does not tell its metrics, or whose oldest message has waited for long, is a reason as well. `now` in
 * milliseconds. Does not throw.
 */
export async function standingStill(
  env: Pick<Env, "SPILL" | "INGEST_QUEUE">,
  now = Date.now(),
): Promise<Hold | undefined> {
  try {
    const { mark } = await withDeadline(readMark(env.SPILL), DEADLINE_MS, "R2 did not answer in time.");
    return holdOf(mark, now) ?? (await queueHold(env.INGEST_QUEUE, now));
  } catch {
    return { reason: "unknown", since: 0 };
  }
}

async function queueHold(queue: Queue<string>, now: number): Promise<Hold | undefined> {
  const oldest = oldestIn(await withDeadline(queue.metrics(), DEADLINE_MS, "The queue did not answer in time."));
  if (oldest === undefined) return { reason: "queue", since: 0 };
  return now - oldest > LONG_MS ? { reason: "queue", since: oldest } : undefined;
}
