import type { Env } from "../../env.ts";
import { unavailable } from "../../http/errors.ts";
import { withDeadline } from "../deadline.ts";
import { sendGroup, sendGroups } from "./send.ts";
import { spill } from "./spill.ts";

/** Milliseconds R2 has to take what the queue did not. */
const SPILL_DEADLINE_MS = 5_000;

/**
 * Hands messages to the queue and returns when they are on disk: the queue's, or R2's when the queue refuses or stalls.
 * What does not fit into one sendBatch goes to R2 first, as only that takes all of it or nothing; the queue gets it
 * `later`. 503 when neither takes it. `now` in microseconds.
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

/** What fails here is left to the next sweep. */
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
    throw unavailable("The events could not be taken; send them again.");
  }
}
