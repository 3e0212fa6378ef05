import { dayOf } from "../../values/periods.ts";
import { packRejections } from "../queue/message.ts";
import { SEND_DEADLINE_MS, withDeadline } from "../queue/send.ts";

/** [producer, day, reason, requests] */
export type Rejections = [string, string, string, number][];

/** Requests refused in this isolate and not yet told to the queue, by queue. */
const waiting = new WeakMap<Queue<string>, { counts: Map<string, number>; sending: boolean }>();

/**
 * Counts a refused request without a write on its path: through the queue, one message at a time for each isolate; what
 * is refused while that is sent goes with the next. What the queue does not take waits for the next refusal. Time in
 * microseconds.
 */
export async function countRejection(
  queue: Queue<string>,
  producer: string,
  reason: string,
  now: number,
): Promise<void> {
  const entry = waiting.get(queue) ?? { counts: new Map<string, number>(), sending: false };
  waiting.set(queue, entry);
  const key = JSON.stringify([producer, dayOf(now), reason]);
  entry.counts.set(key, (entry.counts.get(key) ?? 0) + 1);
  if (entry.sending) return;
  entry.sending = true;
  try {
    while (entry.counts.size > 0) {
      const taken = [...entry.counts];
      entry.counts.clear();
      await send(queue, taken).catch((error) => {
        for (const [name, count] of taken) entry.counts.set(name, (entry.counts.get(name) ?? 0) + count);
        throw error;
      });
    }
  } catch (error) {
    console.error(JSON.stringify({ level: "error", event: "rejections_not_counted", error: String(error) }));
  } finally {
    entry.sending = false;
  }
}

async function send(queue: Queue<string>, taken: readonly [string, number][]): Promise<void> {
  const counts = taken.map(([key, count]): Rejections[number] => {
    const [producer = "", day = "", reason = ""]: string[] = JSON.parse(key);
    return [producer, day, reason, count];
  });
  const sent = queue.send(packRejections(counts), { contentType: "text" });
  await withDeadline(sent, SEND_DEADLINE_MS, "The queue did not answer in time.");
}
