import * as v from "valibot";
import { DEAD_PREFIX, SPILL_PREFIX, spillKey } from "./keys.ts";
import { sendAll } from "./send.ts";

const messageList = v.array(v.string());

/** Objects in one sweep, oldest first; the next sweep takes the rest. */
const MAX_OBJECTS = 200;

/** Writes messages to R2 and returns their key. Keys sort by time. `now` in microseconds. */
export async function spill(bucket: R2Bucket, messages: readonly string[], now: number, name: string): Promise<string> {
  const key = spillKey(SPILL_PREFIX, now, name);
  await bucket.put(key, JSON.stringify(messages));
  return key;
}

/** Writes a dead message to R2, for the dead-letter queue. `now` in microseconds. */
export async function spillDead(bucket: R2Bucket, message: string, now: number, name: string): Promise<void> {
  await bucket.put(spillKey(DEAD_PREFIX, now, name), JSON.stringify([message]));
}

/**
 * Sends spilled messages to the queue. An object is deleted after the queue has taken all of it: a sweep that is
 * interrupted, or two at the same time, send messages twice, and their events are still written once. Stops at the first
 * refusal. Leaves an object that cannot be read. Returns the number of objects sent.
 */
export async function sweep(bucket: R2Bucket, prefix: string, queue: Queue<string>): Promise<number> {
  const { objects } = await bucket.list({ prefix, limit: MAX_OBJECTS });
  let swept = 0;
  for (const { key } of objects) {
    const object = await bucket.get(key);
    if (object === null) continue;
    const messages = v.safeParse(messageList, await object.json().catch(() => undefined));
    if (!messages.success) {
      console.error(JSON.stringify({ level: "error", event: "spilled_object_unreadable", key }));
      continue;
    }
    await sendAll(queue, messages.output);
    await bucket.delete(key);
    swept += 1;
  }
  return swept;
}
