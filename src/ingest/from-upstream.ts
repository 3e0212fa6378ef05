import type { Env } from "../env.ts";
import { microsecondsNow } from "../values/time.ts";
import { checkDraft, type NamedEvent, nameEvent } from "./accept.ts";
import { packMessages } from "./queue/message.ts";
import { sendAll } from "./queue/send.ts";

/** An event that breaks a rule of the ingest: its place among those given, and the rules. */
export interface RefusedEvent {
  index: number;
  detail: string;
}

/**
 * Queues events that were read from upstream, with their uuids, as those that upstream itself sends with the rights of
 * `--tells-places` and `--is-upstream`: each is stored once, and takes the place of the same event of a web hook. `events`:
 * parsed JSON, as the read API of Waldur prints it. Returns those that are not valid; all others are in the queue then.
 * Throws when the queue does not take them; what it took before is harmless when it is sent again. `now` in milliseconds,
 * 0 ≤ `random` < 1.
 */
export async function queueFromUpstream(
  { INGEST_QUEUE }: Pick<Env, "INGEST_QUEUE">,
  producer: string,
  events: readonly unknown[],
  now: number,
  random: number,
): Promise<RefusedEvent[]> {
  const receivedAt = microsecondsNow(now) + Math.floor(random * 1000);
  const valid: NamedEvent[] = [];
  const refused: RefusedEvent[] = [];
  for (const [index, value] of events.entries()) {
    const checked = checkDraft({ value }, index);
    if ("event" in checked)
      valid.push(await nameEvent(checked.event, undefined, { producer: { name: producer }, receivedAt }));
    else refused.push({ index, detail: checked.errors.map(({ field, message }) => `${field}: ${message}`).join(" ") });
  }
  const envelope = { producer, receivedAt, tellsPlaces: true, isUpstream: true };
  if (valid.length > 0) await sendAll(INGEST_QUEUE, packMessages(envelope, valid));
  return refused;
}
