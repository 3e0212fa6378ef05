import { byteLength } from "../../values/bytes.ts";
import { withDeadline } from "../../values/deadline.ts";

/**
 * One sendBatch takes 256,000 bytes and 100 messages (https://developers.cloudflare.com/queues/platform/limits/). Local
 * queues take more, so the limits are kept here.
 */
const MAX_SEND_BYTES = 240_000;
const MAX_SEND_MESSAGES = 100;
/** Bytes of one message, without the 100 bytes that the platform adds. */
const MAX_SENT_MESSAGE_BYTES = 127_900;
/** Milliseconds that the queue has to take a message. */
export const SEND_DEADLINE_MS = 2_000;

/** Whether the queue takes a message of this size. */
export const fitsQueue = (message: string): boolean => byteLength(message) <= MAX_SENT_MESSAGE_BYTES;

/** Messages in as few groups as possible, each small enough for one sendBatch. */
export function sendGroups(messages: readonly string[]): string[][] {
  const groups: string[][] = [];
  let room = 0;
  for (const message of messages) {
    const bytes = byteLength(message);
    if (bytes > MAX_SENT_MESSAGE_BYTES) throw new Error(`A message of ${bytes} bytes is larger than the queue takes.`);
    if (bytes > room || groups.at(-1)?.length === MAX_SEND_MESSAGES) {
      groups.push([]);
      room = MAX_SEND_BYTES;
    }
    groups.at(-1)?.push(message);
    room -= bytes;
  }
  return groups;
}

/** Sends one group. Throws when the queue refuses it or is too late; a late queue may still take it. */
export function sendGroup(queue: Queue<string>, group: readonly string[]): Promise<QueueSendBatchResponse> {
  const sent = queue.sendBatch(group.map((body) => ({ body, contentType: "text" as const })));
  return withDeadline(sent, SEND_DEADLINE_MS, "The queue did not answer in time.");
}

/** Sends all messages. Throws at the first group that is not taken. */
export async function sendAll(queue: Queue<string>, messages: readonly string[]): Promise<void> {
  for (const group of sendGroups(messages)) await sendGroup(queue, group);
}
