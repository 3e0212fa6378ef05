import { unavailable } from "../http/errors.ts";
import { type AcceptedEvent, byteLength, packMessages } from "./message.ts";

/**
 * Bytes of messages in one sendBatch; the queue takes 256,000 and 100 messages
 * (https://developers.cloudflare.com/queues/platform/limits/).
 */
const MAX_SEND_BYTES = 240_000;

/**
 * Hands events to the queue and returns when it has them on disk. 503 when it does not take them: some may be queued
 * already then, which does no harm, as sending them again writes them once.
 */
export async function enqueue(
  queue: Queue<string>,
  envelope: { producer: string; receivedAt: number },
  events: readonly AcceptedEvent[],
): Promise<void> {
  try {
    await Promise.all(sendGroups(packMessages(envelope, events)).map((group) => send(queue, group)));
  } catch (error) {
    console.error(JSON.stringify({ level: "error", event: "queue_refused", error: String(error) }));
    throw unavailable("The events could not be queued; send them again.");
  }
}

const send = (queue: Queue<string>, bodies: readonly string[]) =>
  queue.sendBatch(bodies.map((body) => ({ body, contentType: "text" as const })));

function sendGroups(messages: readonly string[]): string[][] {
  const groups: string[][] = [];
  let room = 0;
  for (const message of messages) {
    const bytes = byteLength(message);
    if (bytes > room) {
      groups.push([]);
      room = MAX_SEND_BYTES;
    }
    groups.at(-1)?.push(message);
    room -= bytes;
  }
  return groups;
}
