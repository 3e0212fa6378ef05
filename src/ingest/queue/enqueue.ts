import type { Env } from "../../env.ts";
import { unavailable } from "../../http/errors.ts";
import { withDeadline } from "../../values/deadline.ts";
import { sendGroup, sendGroups } from "./send.ts";
import { spill } from "./spill.ts";

/** Milliseconds that R2 has to take messages that the queue did not take. */
const SPILL_DEADLINE_MS = 5_000;

/**
 * Returns when the messages are on disk: in the queue, or in R2 when the queue refuses or stalls. Messages for more than
 * one sendBatch go to R2 first, because R2 takes all or nothing, and to the queue `later`. Throws 503 when neither takes
 * them. `now` in microseconds.
 */
export async function enqueue(
  env: Pick<Env, "INGEST_QUEUE" | "SPILL">,
  messages: readonly string[],
  now: number,
  later: (work: Promise<unknown>) => void,
): Promise<void> {
  const groups = sendGroups(messages);
  const [only] = groups;
  if (only !== undefined && groups.length === 1) {
    try {
      await sendGroup(env.INGEST_QUEUE, only);
      return;
    } catch (error) {
      console.error(JSON.stringify({ level: "error", event: "queue_refused", error: String(error) }));
      await spilled(env.SPILL, messages, now);
      return;
    }
  }
  const key = await spilled(env.SPILL, messages, now);
  later(deliver(env, groups, key));
}

/** Messages that fail here wait for the next sweep. */
async function deliver(
  env: Pick<Env, "INGEST_QUEUE" | "SPILL">,
  groups: readonly (readonly string[])[],
  key: string,
): Promise<void> {
  try {
    for (const group of groups) await sendGroup(env.INGEST_QUEUE, group);
    await env.SPILL.delete(key);
  } catch (error) {
    console.error(JSON.stringify({ level: "error", event: "left_to_the_sweep", key, error: String(error) }));
  }
}

async function spilled(bucket: R2Bucket, messages: readonly string[], now: number): Promise<string> {
  try {
    const written = spill(bucket, messages, now, crypto.randomUUID());
    return await withDeadline(written, SPILL_DEADLINE_MS, "R2 did not answer in time.");
  } catch (error) {
    console.error(JSON.stringify({ level: "error", event: "spill_refused", error: String(error) }));
    throw unavailable("The events could not be accepted; send them again.");
  }
}
