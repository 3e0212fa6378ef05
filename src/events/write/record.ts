import { type SQL, sql } from "drizzle-orm";
import { OTHER_TYPE } from "../../catalogue/data.ts";
import { type Database, runGroups } from "../../db/client.ts";
import { integer } from "../../db/sql.ts";
import { countInLog, countInScopes } from "../counters/write.ts";
import { type Conflict, conflictKey, type NewEvent, withContent } from "../event.ts";
import { endChanges, markEnd, nextId } from "../log/sequence.ts";
import { insertMoves, insertObjects, type Move, objectRows, toMove } from "../objects/learn.ts";
import {
  type Evictions,
  identityRow,
  isStoredOtherwise,
  mayShare,
  selectConflicts,
  settleIds,
  shareStored,
} from "./identity.ts";
import { chunked, prepare, TURNS } from "./prepare.ts";
import { insertTypes, numberOf } from "./types.ts";

/** The outcome of a batch, as D1 metered it. */
export interface RecordReport {
  events: number;
  /** The number of the newest entry of the log that the transaction made, an event or a change; 0 when it made none. */
  end: number;
  duplicates: number;
  rowsWritten: number;
  conflicts: Conflict[];
  /** Objects that belong to another customer than before. */
  moves: Move[];
}

export interface RecordOptions {
  alongside?: readonly SQL[];
  evictions?: Evictions;
  through?: number;
}

/**
 * Writes events in one transaction, each once: an event whose uuid is stored stays as it was first written, and of events
 * with one uuid the first is written. All or nothing: throws D1's error when nothing was written. Events of upstream, and
 * events with an id, are written first, so that others of the same content find them. `alongside` runs last, in the same
 * transaction; `evictions`: new uuids for stored events that are in the way of upstream; `through`: up to when the log is
 * complete (log/complete.ts), microseconds.
 */
export async function recordEvents(
  db: Database,
  events: readonly NewEvent[],
  { alongside = [], evictions = new Map(), through = 0 }: RecordOptions = {},
): Promise<RecordReport> {
  const unique = [...new Map([...events].reverse().map((event) => [event.uuid, event])).values()].reverse();
  const results = await runGroups(db, { ...statements(unique, events, evictions, through), alongside });
  const { changed, inserted, moved, conflicting } = results;
  const conflicts = conflicting.flatMap(({ results: rows }) => rows.map(toConflict));
  const sent = new Set(conflicts.map(conflictKey));
  const refused = events.filter((event) => sent.has(conflictKey(withContent(event)))).length;
  const stored = inserted.reduce((sum, result) => sum + result.meta.changes, 0);
  return {
    events: stored,
    end: Math.max(...inserted.map(lastId), ...changed.flatMap(({ results: rows }) => rows.map(toEnd)), 0),
    duplicates: events.length - stored - refused,
    rowsWritten: Object.values(results)
      .flat()
      .reduce((sum, result) => sum + result.meta.rows_written, 0),
    conflicts,
    moves: moved.flatMap(({ results: rows }) => rows.map(toMove)),
  };
}

/** The statements of the transaction, in their order. `unique`: the first event of each uuid among `events`. */
function statements(unique: readonly NewEvent[], events: readonly NewEvent[], evictions: Evictions, through: number) {
  const prepared = unique.map(prepare);
  const rows = (wanted: number) => prepared.filter(({ turn }) => turn === wanted).map(({ row }) => row);
  const named = unique.filter(({ content }) => content !== undefined);
  const names = chunked(named.map((event) => identityRow(event, evictions)));
  const shared = chunked(unique.filter(mayShare).map((event) => identityRow(event, evictions)));
  const scopes = chunked(prepared.flatMap((event) => event.scopes));
  const objects = chunked(objectRows(events));
  return {
    before: [
      markEnd(through),
      insertTypes(unique),
      ...shared.map(shareStored),
      ...names.flatMap((some) => settleIds(some, evictions)),
    ],
    changed: names.length > 0 ? endChanges : [],
    inserted: Array.from({ length: TURNS }, (_, turn) => chunked(rows(turn)).map(insertEvents)).flat(),
    indexed: [
      ...scopes.map(insertScopes),
      ...chunked(prepared.map(({ terms }) => terms)).map(insertTerms),
      ...countInLog,
      ...scopes.map(countInScopes),
    ],
    moved: objects.map(insertMoves),
    learned: objects.map(insertObjects),
    conflicting: chunked(events.map(pair)).map(selectConflicts),
  };
}

/** The highest id that a statement gave to events: that of its last row. D1 repeats an earlier one when there is no row. */
const lastId = ({ meta }: D1Result): number => (meta.changes > 0 ? meta.last_row_id : 0);

/** Of a row of `endChanges`. */
const toEnd = ({ last_change }: Record<string, unknown>): number => Number(last_change);

const pair = (event: NewEvent): string => JSON.stringify(Object.values(withContent(event)));

const toConflict = ({ uuid, content, stored, producer, upstream }: Record<string, unknown>): Conflict => ({
  uuid: String(uuid),
  content: String(content),
  stored: String(stored),
  producer: String(producer),
  isUpstream: upstream === 1,
});

const PLACES = { producer: sql`value->>6`, content: sql`value->>8`, upstream: sql`value->>9` };

/** Only rows that are new get a number, so that there is no gap in the sequence. */
const insertEvents = (rows: string) => sql`INSERT INTO events
    (id, uuid, created, type, type_name, message, folded, context, producer, received_at, content, upstream)
  SELECT ${nextId}, value->>0, value->>1,
    CASE json_type(value, '$[2]') WHEN 'integer' THEN value->>2 ELSE ${numberOf(sql`value->>2`)} END,
    CASE json_type(value, '$[2]') WHEN 'text' THEN value->>2 END,
    value->>3, value->>4, value->>5, value->>6, value->>7, value->>8, value->>9
  FROM json_each(${rows})
  WHERE NOT EXISTS (SELECT 1 FROM events AS stored WHERE stored.uuid = value->>0) AND NOT ${isStoredOtherwise(PLACES)}`;

/** Only for events that are new in this transaction: a duplicate keeps its scopes. */
const insertScopes = (rows: string) => sql`INSERT INTO event_scopes (scope, created, event_id, type, roles)
  SELECT entry.value->>1, events.created, events.id, events.type, entry.value->>2
  FROM json_each(${rows}) AS entry JOIN events ON events.uuid = entry.value->>0
  WHERE events.id > (SELECT marked_end FROM commit_watermark)`;

const insertTerms = (rows: string) => sql`INSERT INTO event_index (rowid, terms)
  SELECT events.id, (entry.value->>1) || ' type:' || events.type
    || iif(events.type = ${integer(OTHER_TYPE)}, ' ' || (entry.value->>2), '')
  FROM json_each(${rows}) AS entry JOIN events ON events.uuid = entry.value->>0
  WHERE events.id > (SELECT marked_end FROM commit_watermark)`;
