import { database } from "../db/client.ts";
import { storedContents } from "../events/write/stored.ts";
import { HttpError } from "../http/errors.ts";
import { withDeadline } from "./deadline.ts";
import type { AcceptedEvent } from "./event.ts";

/** Milliseconds that the database has to answer. After that the events are accepted, and the consumer looks again. */
const LOOKUP_DEADLINE_MS = 1_000;

/**
 * Throws 409 when the id of an event is the id of an event with other content, in the table or in the same request. One
 * round trip for all events with an id.
 */
export async function checkConflicts(binding: D1Database, events: readonly AcceptedEvent[]): Promise<void> {
  const named = events.flatMap((event, index) => (event.content === undefined ? [] : [{ ...event, index }]));
  if (named.length === 0) return;
  const contents = await lookUp(binding, named);
  const conflicts = named.flatMap(({ uuid, content = "", index }) => {
    const stored = contents.get(uuid) ?? content;
    contents.set(uuid, stored);
    return stored === content ? [] : [{ index, uuid, content_stored: stored, content_sent: content }];
  });
  if (conflicts.length === 0) return;
  const detail = `${conflicts.length} of ${events.length} events have an id that names an event with other content; none was accepted.`;
  throw new HttpError(409, { detail, conflicts });
}

async function lookUp(binding: D1Database, named: readonly AcceptedEvent[]): Promise<Map<string, string | null>> {
  const found = storedContents(
    database(binding),
    named.map(({ uuid }) => uuid),
  );
  try {
    return await withDeadline(found, LOOKUP_DEADLINE_MS, "The database did not answer in time.");
  } catch (error) {
    console.warn(JSON.stringify({ level: "warn", event: "conflicts_not_looked_up", error: String(error) }));
    return new Map();
  }
}
