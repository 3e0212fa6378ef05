import { type SQL, sql } from "drizzle-orm";
import { type NewEvent, withContent } from "../event.ts";
import { changeIds } from "../log/sequence.ts";

/*
 * The uuid of an event, where several producers send events. Nobody but its own producer, or one that is the source of
 * truth (upstream), changes the uuid of an event or stands in its way:
 * - the same uuid and content is the same event, whoever sends it;
 * - an event that was sent without an id takes the id with which its producer, or upstream, sends the same content;
 * - an event that several producers sent without an id is everybody's: only upstream gives it another uuid;
 * - an event of upstream absorbs events of the same content and time that others send, before and after it (the content of
 *   an event with an id has no time when its producer gave none, and then nothing says that two events are the same);
 * - an event of another producer that has the uuid of an event of upstream gives it up.
 * Raw SQL: rows travel as one parameter through json_each, and UPDATE … FROM.
 */

/** The content digest of a stored event. It is the uuid of an event that was sent without an id. */
export const storedContent = sql`coalesce(events.content, events.uuid)`;

/**
 * New uuids for stored events that have the uuid of an event of upstream: uuid → the new one, or others should it be taken.
 * All 32 hex digits; see `Conflict`.
 */
export type Evictions = ReadonlyMap<string, readonly string[]>;

/** An event as a JSON row. */
export function identityRow(event: NewEvent, evictions: Evictions): string {
  const { uuid, content } = withContent(event);
  const eviction = evictions.get(uuid) ?? [];
  return JSON.stringify([uuid, content, event.producer, Number(event.isUpstream ?? false), eviction, event.created]);
}

/** As `changeIds` takes them: events that stand in the way of events of upstream. */
const inTheWay = (rows: string) => sql`SELECT events.id AS id, ${freeUuid} AS uuid, 0 AS upstream, incoming.key AS place
  FROM json_each(${rows}) AS incoming CROSS JOIN events ON events.uuid = incoming.value->>0
  WHERE incoming.value->>3 = 1 AND events.upstream = 0 AND ${storedContent} <> incoming.value->>1
    AND ${freeUuid} IS NOT NULL`;

/** The first eviction of an incoming row that no event has. */
const freeUuid = sql`(SELECT value FROM json_each(incoming.value, '$[4]')
    WHERE NOT EXISTS (SELECT 1 FROM events AS other WHERE other.uuid = value) LIMIT 1)`;

/**
 * As `changeIds` takes them: events that take the id of an incoming event of the same content, one that was sent without an
 * id, else, for upstream, one of another producer.
 */
const adopted = (rows: string) => sql`SELECT
    coalesce(
      (
        SELECT id FROM events WHERE uuid = incoming.value->>1 AND ${storedContent} = incoming.value->>1
          AND (incoming.value->>3 = 1 OR (content IS NULL AND upstream = 0 AND producer = incoming.value->>2))
      ),
      CASE WHEN incoming.value->>3 = 1 THEN (
        SELECT id FROM events
        WHERE content = incoming.value->>1 AND upstream = 0 AND created = incoming.value->>5 LIMIT 1
      ) END
    ) AS id,
    incoming.value->>0 AS uuid, incoming.value->>3 AS upstream, incoming.key AS place
  FROM json_each(${rows}) AS incoming
  WHERE NOT EXISTS (SELECT 1 FROM events AS named WHERE named.uuid = incoming.value->>0)`;

/** Whether an event may be the same as a stored one that must then be kept from other uuids. */
export const mayShare = ({ content, isUpstream }: NewEvent): boolean => isUpstream === true || content === undefined;

/**
 * Before events are written: a stored event that upstream sends, too, is of upstream, and one that another producer sends
 * without an id gets its content as a column of its own, so that its producer no longer gives it an id. `rows`: a JSON array
 * of `identityRow`.
 */
export const shareStored = (rows: string): SQL => sql`WITH shared AS MATERIALIZED (
    SELECT events.id AS id, incoming.value->>1 AS content, incoming.value->>3 AS upstream
    FROM json_each(${rows}) AS incoming CROSS JOIN events ON events.uuid = incoming.value->>0
    WHERE events.upstream = 0 AND ${storedContent} = incoming.value->>1
      AND (incoming.value->>3 = 1 OR (events.content IS NULL AND events.producer <> incoming.value->>2))
  )
  UPDATE events SET upstream = shared.upstream, content = shared.content
  FROM shared WHERE events.id = shared.id`;

/** Statements that change stored uuids before events with an id are written. `rows`: a JSON array of `identityRow`. */
export const settleIds = (rows: string, evictions: Evictions): SQL[] => [
  ...(evictions.size > 0 ? changeIds(inTheWay(rows)) : []),
  ...changeIds(adopted(rows)),
];

/**
 * A condition for an incoming row with the uuid at `value->>0` and its other values at the given places: the event is stored
 * under another uuid. So is an event of upstream's content, an event without an id that its producer has sent with one, and
 * one with an id that its producer and others have sent without.
 */
export function isStoredOtherwise({
  producer,
  content,
  upstream,
}: {
  producer: SQL;
  content: SQL;
  upstream: SQL;
}): SQL {
  const stored = (where: SQL) => sql`EXISTS (SELECT 1 FROM events WHERE ${where})`;
  const uuid = sql`value->>0`;
  return sql`CASE
    WHEN ${content} IS NULL THEN ${stored(sql`content = ${uuid} AND upstream = 1`)}
      OR ${stored(sql`content = ${uuid} AND upstream = 0 AND producer = ${producer}`)}
    WHEN ${upstream} = 0 THEN ${stored(sql`content = ${content} AND upstream = 1 AND created = value->>1`)}
      OR ${stored(sql`uuid = ${content} AND (upstream = 1 OR (+content = uuid AND producer = ${producer}))`)}
    ELSE 0 END`;
}

/** Incoming events whose uuid belongs to a stored event with other content. `pairs`: JSON [[uuid, content], …]. */
export const selectConflicts = (pairs: string) => sql`SELECT DISTINCT incoming.value->>0 AS uuid,
    incoming.value->>1 AS content, ${storedContent} AS stored, events.producer AS producer, events.upstream AS upstream
  FROM json_each(${pairs}) AS incoming CROSS JOIN events ON events.uuid = incoming.value->>0
  WHERE ${storedContent} <> incoming.value->>1`;
