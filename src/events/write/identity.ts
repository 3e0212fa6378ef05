import { sql } from "drizzle-orm";

/**
 * The content digest of a stored event. Rows without the column `content` have it only when their uuid is a digest,
 * which is a UUID of version 8; else it is NULL, for unknown.
 */
export const storedContent = sql`coalesce(events.content, CASE substr(events.uuid, 13, 1) WHEN '8' THEN events.uuid END)`;

/** The incoming pair has the content of an event that was stored without an id, and its id is not used yet. */
const isAdoption = sql`events.uuid = incoming.value->>1
  AND NOT EXISTS (SELECT 1 FROM events AS named WHERE named.uuid = incoming.value->>0)`;

/** Begins a new epoch when `adoptIds` is going to change an event. */
export const markAdoption = (pairs: string) => sql`UPDATE commit_watermark SET epoch = epoch + 1
  WHERE EXISTS (SELECT 1 FROM json_each(${pairs}) AS incoming CROSS JOIN events WHERE ${isAdoption})`;

/**
 * Gives the incoming id to the event that was stored without one and has the same content. `pairs`: JSON [[uuid,
 * content], …].
 */
export const adoptIds = (pairs: string) => sql`UPDATE events
  SET uuid = incoming.value->>0, content = incoming.value->>1
  FROM json_each(${pairs}) AS incoming
  WHERE ${isAdoption}`;

/**
 * The content digests of stored events that have an id, among the incoming rows ([uuid, created, …]): these rows are
 * duplicates. Uses the index on created: one row of events is read for each that has the time of an incoming row.
 */
export const withoutDuplicates = (rows: string) => sql`(SELECT events.content FROM events
  WHERE events.created IN (SELECT value->>1 FROM json_each(${rows})) AND events.content IS NOT NULL)`;

/** Incoming events whose uuid belongs to a stored event with other content. `pairs`: JSON [[uuid, content], …]. */
export const selectConflicts = (pairs: string) => sql`SELECT DISTINCT incoming.value->>0 AS uuid,
    incoming.value->>1 AS content, ${storedContent} AS stored
  FROM json_each(${pairs}) AS incoming CROSS JOIN events ON events.uuid = incoming.value->>0
  WHERE ${storedContent} <> incoming.value->>1`;
