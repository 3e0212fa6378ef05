import { type SQL, sql } from "drizzle-orm";
import { FIRST_UNKNOWN_TYPE, OTHER_TYPE } from "../../catalogue/data.ts";
import { integer } from "../../db/sql.ts";

/**
 * Restores a backup into an empty database, a slice of its lines in each transaction. Until the last one, the table
 * commit_watermark has another name. So nothing takes a part of the log for the whole: each read and each write of the Worker
 * needs this table, and fails as on a database without migrations; the queue keeps what is accepted meanwhile.
 *
 * A backup is made while the log is written to. Its line of an event shows the event as it was when the line was read, perhaps
 * after changes whose lines come later, perhaps before. So a change is applied to an event that still has the uuid before it.
 * Two events may have shown the same uuid, one after the other. While one has it, the other waits for its own next change with
 * a uuid that nobody else can have: the uuid, a colon and its id.
 */

/** Begins with the name that errors of the database show to an operator. */
const RESTORING = sql.raw("commit_watermark_of_an_unfinished_restore");

/** One row, `restoring`: 1 while a restore has not been finished. */
export const isRestoring: SQL = sql`SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'unfinished_restore') AS restoring`;

/** One row: the SHA-256 of the `backup` of an unfinished restore, and how many `lines` of it are written. */
export const restoreProgress: SQL = sql`SELECT backup, lines FROM unfinished_restore`;

/** A condition: the log is empty, and always was. */
const IS_EMPTY = sql`(SELECT last_change FROM commit_watermark) = 0
  AND NOT EXISTS (SELECT 1 FROM events) AND NOT EXISTS (SELECT 1 FROM log_changes)`;

/** One row, `empty`: whether nothing was ever written to the log. */
export const logIsEmpty: SQL = sql`SELECT ${IS_EMPTY} AS empty`;

/**
 * Begins a restore, in one transaction, which fails when something has been written to the log, or when another restore has
 * begun. `backup`: the SHA-256 of the backup, 64 hex digits. Deletions of events are entries of the backup, not new ones.
 */
export const beginRestore = (backup: string): SQL[] => [
  sql`CREATE TABLE unfinished_restore (
    singleton INTEGER PRIMARY KEY CHECK (singleton = 1), backup TEXT NOT NULL, lines INTEGER NOT NULL
  ) STRICT`,
  sql`CREATE TABLE unfinished_restore_slice (n INTEGER PRIMARY KEY, piece TEXT NOT NULL) STRICT`,
  sql`INSERT INTO unfinished_restore SELECT iif(${IS_EMPTY}, 1, 0), ${backup}, 0`,
  sql`UPDATE commit_watermark SET deletes_period = 1`,
  sql`ALTER TABLE commit_watermark RENAME TO ${RESTORING}`,
];

/** Bytes of a slice in one statement, which has two digits for each: D1 takes 100,000 bytes. */
const PIECE_BYTES = 45_000;

/**
 * The first statements of a transaction: they hand over a slice, JSON text of less than 2 MB, which the other statements read.
 * The slice begins after so many lines of the backup; the transaction fails when other lines are written meanwhile. Its bytes travel as hex digits, so no tool that splits or counts
 * statements reads what is in them.
 */
export const handOver = (slice: Uint8Array, before: number, lines: number): SQL[] => [
  sql`DELETE FROM unfinished_restore_slice`,
  ...pieces(slice).map(
    (piece, n) => sql`INSERT INTO unfinished_restore_slice VALUES (${integer(n)}, CAST(x'${sql.raw(piece)}' AS TEXT))`,
  ),
  sql`UPDATE unfinished_restore SET lines = iif(lines = ${integer(before)}, ${integer(before + lines)}, NULL)`,
];

/** As hex digits, cut between letters. */
function pieces(slice: Uint8Array): string[] {
  const found: string[] = [];
  for (let start = 0; start < slice.length; ) {
    let end = Math.min(start + PIECE_BYTES, slice.length);
    while (end < slice.length && isInsideLetter(slice[end])) end -= 1;
    found.push(slice.subarray(start, end).toHex());
    start = end;
  }
  return found;
}

const isInsideLetter = (byte = 0): boolean => (byte & 0xc0) === 0x80;

/** The rows of a list in the slice. */
export const handed = (list: string): SQL =>
  sql`json_each((SELECT group_concat(piece, '' ORDER BY n) FROM unfinished_restore_slice), ${`$.${list}`})`;

const PENDING = sql`uuid || ':' || id`;

/** The entries of a slice (lists `events`, `scopes`, `terms` and `changes`), and what they change in earlier ones. */
export const writeEntries: readonly SQL[] = [
  sql`UPDATE events SET uuid = ${PENDING} WHERE uuid IN (SELECT value->>1 FROM ${handed("events")})`,
  sql`INSERT INTO events
      (id, uuid, created, type, type_name, message, folded, context, producer, received_at, content, upstream)
    SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, value->>7, value->>8, value->>9,
      value->>10, value->>11
    FROM ${handed("events")}`,
  sql`INSERT INTO event_scopes (scope, created, event_id, type, roles)
    SELECT value->>0, value->>1, value->>2, value->>3, value->>4 FROM ${handed("scopes")}`,
  sql`INSERT INTO event_index (rowid, terms) SELECT value->>0, value->>1 FROM ${handed("terms")}`,
  sql`INSERT INTO log_changes
      (id, op, event_id, uuid, old_uuid, upstream, created, type, type_name, scopes, created_from, created_to, n, last_id)
    SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, value->>7, value->>8, value->>9,
      value->>10, value->>11, value->>12, value->>13
    FROM ${handed("changes")}`,
  ...applyIdentities(),
  ...applyDeletions(),
];

/** An event is as it was before the change, or as it was after it, and waits until it may have this uuid. */
function applyIdentities(): SQL[] {
  const isBefore = (event: SQL) => sql`${event}.uuid IN (
    change.value->>4, (change.value->>4) || ':' || (change.value->>2), (change.value->>3) || ':' || (change.value->>2))`;
  return [
    sql`UPDATE events SET uuid = ${PENDING} WHERE id IN (
      SELECT holder.id FROM ${handed("changes")} AS change
        CROSS JOIN events AS changed ON changed.id = change.value->>2
        CROSS JOIN events AS holder ON holder.uuid = change.value->>3
      WHERE change.value->>1 = 'identity' AND holder.id <> changed.id AND ${isBefore(sql`changed`)}
    )`,
    sql`UPDATE events SET uuid = change.value->>3, content = coalesce(content, change.value->>4),
        upstream = max(upstream, change.value->>5)
      FROM ${handed("changes")} AS change
      WHERE change.value->>1 = 'identity' AND events.id = change.value->>2 AND ${isBefore(sql`events`)}`,
  ];
}

/** Events whose deletion came after their line was read. Those that were gone before have no line. */
function applyDeletions(): SQL[] {
  const gone = sql`gone AS MATERIALIZED (
    SELECT events.id, events.created, events.context FROM ${handed("changes")} AS change
      CROSS JOIN events ON events.id = change.value->>2
    WHERE change.value->>1 = 'removed'
    UNION SELECT events.id, events.created, events.context FROM ${handed("changes")} AS change
      CROSS JOIN events INDEXED BY events_order ON events.created <= change.value->>11
    WHERE change.value->>1 = 'period' AND events.id < change.value->>0
      AND (events.created < change.value->>11 OR events.id >= change.value->>2)
  )`;
  return [
    sql`WITH ${gone} DELETE FROM event_scopes WHERE (scope, created, event_id) IN (
      SELECT lower(replace(entry.value, '-', '')), gone.created, gone.id
      FROM gone CROSS JOIN json_each(gone.context) AS entry WHERE entry.type = 'text'
    )`,
    sql`WITH ${gone} DELETE FROM event_index WHERE rowid IN (SELECT id FROM gone)`,
    sql`WITH ${gone} DELETE FROM events WHERE id IN (SELECT id FROM gone)`,
  ];
}

/** Before the counters are counted, part by part (`recountPart` of counters/rebuild.ts), from the beginning. */
export const forgetCounters: SQL = sql`DELETE FROM counters`;

/** One row, `pending`: events that wait for a change that the backup does not have. Reads all uuids. */
export const pendingEvents: SQL = sql`SELECT count(*) AS pending FROM events WHERE length(uuid) <> 32`;

/** What a backup knows of its log besides the entries. Times in microseconds; `incarnation`: that of the new log. */
export interface RestoredLog {
  last_change: number;
  dense_from: number;
  complete_through: number;
  incarnation: number;
}

/**
 * Ends a restore, in one transaction: types that the catalogue has learned since the backup keep their numbers, and the log
 * becomes visible, in another incarnation.
 */
export const endRestore = ({ last_change, dense_from, complete_through, incarnation }: RestoredLog): SQL[] => [
  sql`INSERT OR IGNORE INTO earlier_types (name, type)
    SELECT known.name, earlier.id FROM event_types AS known JOIN event_types AS earlier ON earlier.name = known.name
      WHERE known.id < ${integer(OTHER_TYPE)} AND earlier.id >= ${integer(FIRST_UNKNOWN_TYPE)}
    UNION ALL SELECT name, ${integer(OTHER_TYPE)} FROM event_types WHERE id < ${integer(OTHER_TYPE)} AND EXISTS (
      SELECT 1 FROM event_index WHERE event_index MATCH '"type:999" AND "name:' || substr(name, 1, 64) || '"'
    )`,
  sql`UPDATE ${RESTORING} SET epoch = epoch + 1, last_change = ${integer(last_change)}, dense_from = ${integer(dense_from)},
    has_gaps = 0, deletes_period = 0, complete_through = ${integer(complete_through)},
    incarnation = max(incarnation + 1, ${integer(incarnation)}),
    last_period = coalesce((SELECT max(id) FROM log_changes WHERE op = 'period'), 0),
    marked_end = max(${integer(last_change)}, coalesce((SELECT max(id) FROM events), 0))`,
  sql`ALTER TABLE ${RESTORING} RENAME TO commit_watermark`,
  sql`DROP TABLE unfinished_restore_slice`,
  sql`DROP TABLE unfinished_restore`,
];
