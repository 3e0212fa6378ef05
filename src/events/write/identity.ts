import { sql } from "drizzle-orm";

/**
 * The digest of what a stored event says. Rows older than the column `content` tell it only when their uuid is a
 * digest, which has version 8; else it is NULL, and nothing is said about them.
 */
export const storedContent = sql`coalesce(events.content, CASE substr(events.uuid, 13, 1) WHEN '8' THEN events.uuid END)`;

/** An incoming pair names an event that came without an id before, and no event has that name yet. */
const isAdoption = sql`events.uuid = incoming.value->>1
  AND NOT EXISTS (SELECT 1 FROM events AS named WHERE named.uuid = incoming.value->>0)`;

/** Tells readers that rows they may have seen change; before `adoptIds`. */
export const markAdoption = (pairs: string) => sql`UPDATE commit_watermark SET epoch = epoch + 1
  WHERE EXISTS (SELECT 1 FROM json_each(${pairs}) AS incoming CROSS JOIN events WHERE ${isAdoption})`;

/** Events that came without an id take the id that the same content comes with now. `pairs`: JSON [[uuid, content], …]. */
export const adoptIds = (pairs: string) => sql`UPDATE events
  SET uuid = incoming.value->>0, content = incoming.value->>1
  FROM json_each(${pairs}) AS incoming
  WHERE ${isAdoption}`;

/**
 * Of the incoming rows ([uuid, created, …]), the uuids that are the content of an event stored under another name.
 * By the index on created: one row of events is read for each that has the time of an incoming one.
 */
export const withoutDuplicates = (rows: string) => sql`(SELECT events.content FROM events
  WHERE events.created IN (SELECT value->>1 FROM json_each(${rows})) AND events.content IS NOT NULL)`;

/** Incoming events whose uuid names a stored event that says something else. `pairs`: JSON [[uuid, content], …]. */
export const selectConflicts = (pairs: string) => sql`SELECT DISTINCT incoming.value->>0 AS uuid,
    incoming.value->>1 AS content, ${storedContent} AS stored
  FROM json_each(${pairs}) AS incoming CROSS JOIN events ON events.uuid = incoming.value->>0
  WHERE ${storedContent} <> incoming.value->>1`;
