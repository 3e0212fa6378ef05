import type { Env } from "../../env.ts";
import { unavailable } from "../../http/errors.ts";
import { withDeadline } from "../../values/deadline.ts";
import { holdOutside } from "../watermark/hold.ts";
import { sendGroup, sendGroups } from "./send.ts";
import { SPILL_DEADLINE_MS, spill } from "./spill.ts";

/** What a request sends, and who sent it. `receivedAt` in microseconds. */
interface Request {
  messages: readonly string[];
  producer: string;
  receivedAt: number;
}

type Bindings = Pick<Env, "INGEST_QUEUE" | "SPILL">;

/**
 * Returns when the messages are on disk: in the queue, or in R2 when the queue refuses or stalls. Messages for more than
 * one sendBatch go to R2 first, because R2 takes all or nothing, and then to the queue; `later` lets that end also when
 * nobody waits any more. Where a message is answered with 202 and the queue may not have it, the watermark is held before
 * that. Throws 503 when neither takes the messages, or when R2 does not take the hold.
 */
export async function enqueue(env: Bindings, request: Request, later: (work: Promise<unknown>) => void): Promise<void> {
  const { messages, producer } = request;
  const groups = sendGroups(messages);
  const [only] = groups;
  if (only !== undefined && groups.length === 1) {
    try {
      await sendGroup(env.INGEST_QUEUE, only);
      return;
    } catch (error) {
      console.error(JSON.stringify({ level: "error", event: "queue_refused", error: String(error) }));
      await orRefused(holdOutside(env.SPILL, "spilled", producer));
      await spilled(env.SPILL, request);
      return;
    }
  }
  const key = await spilled(env.SPILL, request);
  const sent = deliver(env, groups, key);
  later(sent);
  if (!(await sent)) await orRefused(holdOutside(env.SPILL, "spilled", producer));
}

/** Whether the queue has taken all messages; if not, they wait for the next sweep. */
async function deliver(env: Bindings, groups: readonly (readonly string[])[], key: string): Promise<boolean> {
  try {
    for (const group of groups) await sendGroup(env.INGEST_QUEUE, group);
  } catch (error) {
    console.error(JSON.stringify({ level: "error", event: "left_to_the_sweep", key, error: String(error) }));
    return false;
  }
  await env.SPILL.delete(key).catch((error: unknown) => {
    console.error(JSON.stringify({ level: "error", event: "sent_but_not_deleted", key, error: String(error) }));
  });
  return true;
}

const spilled = (bucket: R2Bucket, { messages, receivedAt }: Request): Promise<string> =>
  orRefused(spill(bucket, messages, receivedAt, crypto.randomUUID()));

async function orRefused<T>(written: Promise<T>): Promise<T> {
  try {
    return await withDeadline(written, SPILL_DEADLINE_MS, "R2 did not answer in time.");
  } catch (error) {
    console.error(JSON.stringify({ level: "error", event: "spill_refused", error: String(error) }));
    throw unavailable("The events could not be accepted; send them again.");
  }
}
