import type { Env } from "../env.ts";
import { unavailable } from "../http/errors.ts";
import { enqueue } from "./queue/enqueue.ts";
import { unpackMessage } from "./queue/message.ts";
import { writeEvents } from "./write.ts";

/** Returns when the messages are durable. `now` in microseconds; `later` runs work after the response. */
export async function makeDurable(
  env: Env,
  messages: readonly string[],
  now: number,
  later: (work: Promise<unknown>) => void,
): Promise<void> {
  if (env.INGEST_DURABLE === "store" && (await isStored(env, messages, now))) return;
  await enqueue(env, messages, now, later);
}

/**
 * Writes the events before the response, for a queue that does not survive a crash. Throws 503 while the database does not
 * answer. Events that the database rejects for good go to the queue, and end as dead letters.
 */
async function isStored(env: Env, messages: readonly string[], now: number): Promise<boolean> {
  const delivered = messages.map(unpackMessage).flatMap((content) => {
    const { events, replay } = content.kind === "events" ? content : { events: [], replay: false };
    return events.map((event) => ({ event, replay }));
  });
  const { failures } = await writeEvents(env.DB, delivered, now);
  const isAway = [...failures.values()].some(({ isTransient }) => isTransient);
  if (isAway) throw unavailable("The events could not be stored; send them again.");
  return failures.size === 0;
}
