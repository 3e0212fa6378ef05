import { type SQL, sql } from "drizzle-orm";
import { integer } from "../../db/sql.ts";
import { DENSE_FROM, END } from "../log/sequence.ts";

/** Reads the log as a backup keeps it: entries in the order of their numbers, each with what cannot be computed again. */

/** Entries of each kind in one part: about a second of D1. */
const PART_ENTRIES = 2_000;
/** Bytes of messages and contexts in one part, and one event more. D1 returns at most 50 MB. */
const PART_BYTES = 2_000_000;

/** How much one part has, at the most. */
export interface PartSize {
  entries: number;
  bytes: number;
}

export const PART_SIZE: PartSize = { entries: PART_ENTRIES, bytes: PART_BYTES };

/**
 * Three statements, to be run as one transaction: the state of the log (one row), and events and changes after an entry, in
 * the order of their numbers. Reads about five rows for each event, and a few for each text of its context.
 */
export const entriesAfter = (after: number, size = PART_SIZE): SQL[] => [
  backupState,
  eventsAfter(after, size),
  changesAfter(after, size),
];

/**
 * One row about the log: the `end`, its `incarnation`, what a restore has to know besides the entries, and the newest entry of
 * each kind.
 */
export const backupState: SQL = sql`SELECT ${END} AS "end", incarnation, last_change, ${DENSE_FROM} AS dense_from, complete_through,
    coalesce((SELECT max(id) FROM events), 0) AS newest_event, coalesce((SELECT max(id) FROM log_changes), 0) AS newest_change
  FROM commit_watermark`;

/** `scopes`: a JSON object, object → roles, from the rows that are stored: another version of the catalogue may say others. */
const eventsAfter = (after: number, { entries, bytes }: PartSize): SQL => sql`WITH
  sizes AS MATERIALIZED (
    SELECT id, octet_length(message) + octet_length(context) AS bytes FROM events
    WHERE id > ${integer(after)} ORDER BY id LIMIT ${entries}
  ),
  fitting AS MATERIALIZED (
    SELECT id FROM (SELECT id, bytes, sum(bytes) OVER (ORDER BY id ROWS UNBOUNDED PRECEDING) AS total FROM sizes)
    WHERE total - bytes < ${bytes}
  )
  SELECT events.id, events.uuid, events.created, events.received_at, coalesce(type_name, name) AS event_type, events.type,
    events.producer, events.upstream, events.content, events.message, events.context, (
      SELECT json_group_object(scope, roles) FROM event_scopes
      WHERE scope IN (SELECT lower(replace(value, '-', '')) FROM json_each(events.context) WHERE type = 'text')
        AND event_scopes.created = events.created AND event_scopes.event_id = events.id
    ) AS scopes
  FROM fitting CROSS JOIN events ON events.id = fitting.id LEFT JOIN event_types ON event_types.id = events.type
  ORDER BY events.id`;

const changesAfter = (
  after: number,
  { entries }: PartSize,
): SQL => sql`SELECT id, op, event_id, uuid, old_uuid, upstream, created,
    type, type_name, scopes, created_from, created_to, n, last_id
  FROM log_changes WHERE id > ${integer(after)} ORDER BY id LIMIT ${entries}`;
