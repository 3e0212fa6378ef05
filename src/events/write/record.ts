import { type SQL, sql } from "drizzle-orm";
import { OTHER_TYPE } from "../../catalogue/data.ts";
import { type Database, runGroups } from "../../db/client.ts";
import { integer } from "../../db/sql.ts";
import { countInLog, countInScopes } from "../counters/write.ts";
import { type Conflict, conflictKey, type NewEvent, withContent } from "../event.ts";
import { insertMoves, insertObjects, type Move, objectRows, toMove } from "../objects/learn.ts";
import { claimCopies, type Evictions, identityRow, isStoredOtherwise, selectConflicts, settleIds } from "./identity.ts";
import { chunked, prepare } from "./prepare.ts";
import { insertTypes, numberOf } from "./types.ts";

/** The outcome of a batch, as D1 metered it. */
export interface RecordReport {
  events: number;
  duplicates: number;
  rowsWritten: number;
  conflicts: Conflict[];
  /** Objects that belong to another customer than before. */
  moves: Move[];
}

/**
 * Writes events in one transaction, each once: an event whose uuid is stored stays as it was first written. All or
 * nothing: throws D1's error when nothing was written. Events with an id are written first, so that the same content
 * without an id finds them. `alongside` runs last, in the same transaction; `evictions` see `Conflict`.
 */
export async function recordEvents(
  db: Database,
  events: readonly NewEvent[],
  { alongside = [], evictions = new Map() }: { alongside?: readonly SQL[]; evictions?: Evictions } = {},
): Promise<RecordReport> {
  const unique = uniqueEvents(events);
  const results = await runGroups(db, { ...statements(unique, events, evictions), alongside });
  const { inserted, moved, conflicting } = results;
  const conflicts = conflicting.flatMap(({ results: rows }) => rows.map(toConflict));
  const sent = new Set(conflicts.map(conflictKey));
  const refused = events.filter((event) => sent.has(conflictKey(withContent(event)))).length;
  const stored = inserted.reduce((sum, result) => sum + result.meta.changes, 0);
  return {
    events: stored,
    duplicates: events.length - stored - refused,
    rowsWritten: Object.values(results)
      .flat()
      .reduce((sum, result) => sum + result.meta.rows_written, 0),
    conflicts,
    moves: moved.flatMap(({ results: rows }) => rows.map(toMove)),
  };
}

/** The first event of each uuid, or the same event of upstream where there is one. */
function uniqueEvents(events: readonly NewEvent[]): NewEvent[] {
  const unique = new Map<string, NewEvent>();
  for (const event of events) {
    const first = unique.get(event.uuid);
    const isCopied =
      first !== undefined && event.isUpstream && conflictKey(withContent(first)) === conflictKey(withContent(event));
    if (first === undefined || isCopied) unique.set(event.uuid, event);
  }
  return [...unique.values()];
}

/** The statements of the transaction, in their order. `unique`: one event of each uuid among `events`. */
function statements(unique: readonly NewEvent[], events: readonly NewEvent[], evictions: Evictions) {
  const prepared = unique.map(prepare);
  const rows = (isNamed: boolean) => prepared.filter((event) => event.isNamed === isNamed).map(({ row }) => row);
  const named = unique.filter(({ content }) => content !== undefined);
  const names = chunked(named.map((event) => identityRow(event, evictions)));
  const scopes = chunked(prepared.flatMap((event) => event.scopes));
  const objects = chunked(objectRows(events));
  return {
    before: [
      sql`UPDATE commit_watermark SET last_id = (SELECT coalesce(max(id), 0) FROM events)`,
      insertTypes(unique),
      ...chunked(events.filter(({ isUpstream }) => isUpstream).map(pair)).map(claimCopies),
      ...names.flatMap((some) => settleIds(some, evictions)),
    ],
    inserted: [...chunked(rows(true)), ...chunked(rows(false))].map(insertEvents),
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

const pair = (event: NewEvent): string => JSON.stringify(Object.values(withContent(event)));

const toConflict = ({ uuid, content, stored, producer, upstream }: Record<string, unknown>): Conflict => ({
  uuid: String(uuid),
  content: String(content),
  stored: String(stored),
  producer: String(producer),
  isUpstream: upstream === 1,
});

const PLACES = { producer: sql`value->>6`, content: sql`value->>8`, upstream: sql`value->>9` };

const insertEvents = (rows: string) => sql`INSERT INTO events
    (uuid, created, type, type_name, message, folded, context, producer, received_at, content, upstream)
  SELECT value->>0, value->>1,
    CASE json_type(value, '$[2]') WHEN 'integer' THEN value->>2 ELSE ${numberOf(sql`value->>2`)} END,
    CASE json_type(value, '$[2]') WHEN 'text' THEN value->>2 END,
    value->>3, value->>4, value->>5, value->>6, value->>7, value->>8, value->>9
  FROM json_each(${rows})
  WHERE NOT ${isStoredOtherwise(PLACES)}
  ON CONFLICT (uuid) DO NOTHING`;

/** Only for events that are new in this transaction: a duplicate keeps its scopes. */
const insertScopes = (rows: string) => sql`INSERT INTO event_scopes (scope, created, event_id, type, roles)
  SELECT entry.value->>1, events.created, events.id, events.type, entry.value->>2
  FROM json_each(${rows}) AS entry JOIN events ON events.uuid = entry.value->>0
  WHERE events.id > (SELECT last_id FROM commit_watermark)`;

const insertTerms = (rows: string) => sql`INSERT INTO event_index (rowid, terms)
  SELECT events.id, (entry.value->>1) || ' type:' || events.type
    || iif(events.type = ${integer(OTHER_TYPE)}, ' ' || (entry.value->>2), '')
  FROM json_each(${rows}) AS entry JOIN events ON events.uuid = entry.value->>0
  WHERE events.id > (SELECT last_id FROM commit_watermark)`;
