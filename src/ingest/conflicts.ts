import { sql } from "drizzle-orm";
import { database, runBatch } from "../db/client.ts";
import { storedContent } from "../events/write/identity.ts";
import { HttpError } from "../http/errors.ts";
import { withDeadline } from "./deadline.ts";
import type { AcceptedEvent } from "./event.ts";

/** Milliseconds the database has; without an answer the events go on, and the consumer looks again. */
const LOOKUP_DEADLINE_MS = 1_000;

/**
 * Throws 409 when the id of an event names another event already, in the table or in the request. Only events with an id
 * are looked up: one read for all.
 */
export async function checkConflicts(binding: D1Database, events: readonly AcceptedEvent[]): Promise<void> {
  const named = events.flatMap((event, index) => (event.content === undefined ? [] : [{ ...event, index }]));
  if (named.length === 0) return;
  const contents = await storedContents(binding, named);
  const conflicts = named.flatMap(({ uuid, content = "", index }) => {
    const stored = contents.get(uuid) ?? content;
    contents.set(uuid, stored);
    return stored === content ? [] : [{ index, uuid, content_stored: stored, content_sent: content }];
  });
  if (conflicts.length === 0) return;
  const detail = `${conflicts.length} of ${events.length} events have an id that names an event with other content; none was accepted.`;
  throw new HttpError(409, { detail, conflicts });
}

async function storedContents(binding: D1Database, named: readonly AcceptedEvent[]): Promise<Map<string, string>> {
  const uuids = JSON.stringify(named.map(({ uuid }) => uuid));
  const statement = sql`SELECT uuid, ${storedContent} AS content FROM events
    WHERE uuid IN (SELECT value FROM json_each(${uuids}))`;
  try {
    const found = runBatch(database(binding), [statement]);
    const [result] = await withDeadline(found, LOOKUP_DEADLINE_MS, "The database did not answer in time.");
    return new Map(
      result?.results.flatMap(({ uuid, content }) => (content === null ? [] : [[String(uuid), String(content)]])),
    );
  } catch (error) {
    console.warn(JSON.stringify({ level: "warn", event: "conflicts_not_looked_up", error: String(error) }));
    return new Map();
  }
}
