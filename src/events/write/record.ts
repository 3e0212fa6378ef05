import { type SQL, sql } from "drizzle-orm";
import { FIRST_UNKNOWN_TYPE, typeNumber } from "../../catalogue/data.ts";
import { type Database, runBatch } from "../../db/client.ts";
import { integer } from "../../db/sql.ts";
import { countInLog, countInScopes } from "../counters/write.ts";
import { type Conflict, conflictKey, type NewEvent, withContent } from "../event.ts";
import { insertObjects, objectRows } from "../objects/learn.ts";
import { adoptIds, markAdoption, selectConflicts, withoutDuplicates } from "./identity.ts";
import { chunked, prepare } from "./prepare.ts";

/** The outcome of a batch, as D1 metered it. */
export interface RecordReport {
  events: number;
  duplicates: number;
  rowsWritten: number;
  conflicts: Conflict[];
}

/**
 * Writes events in one transaction, each once: an event whose uuid is stored stays as it was first written. All or
 * nothing: throws D1's error when nothing was written. Events with an id are written first, so that the same content
 * without an id finds them. `alongside` runs last, in the same transaction.
 */
export async function recordEvents(
  db: Database,
  events: readonly NewEvent[],
  alongside: readonly SQL[] = [],
): Promise<RecordReport> {
  const unique = [...new Map([...events].reverse().map((event) => [event.uuid, event])).values()].reverse();
  const prepared = unique.map(prepare);
  const rows = (isNamed: boolean) => prepared.filter((event) => event.isNamed === isNamed).map(({ row }) => row);
  const inserts = [...chunked(rows(true)), ...chunked(rows(false))];
  const names = chunked(unique.filter(({ content }) => content !== undefined).map(pair));
  const scopes = chunked(prepared.flatMap((event) => event.scopes));
  const before = [
    sql`UPDATE commit_watermark SET last_id = (SELECT coalesce(max(id), 0) FROM events)`,
    insertTypes(unique),
    ...names.flatMap((pairs) => [markAdoption(pairs), adoptIds(pairs)]),
  ];
  const after = [
    ...scopes.map(insertScopes),
    ...chunked(prepared.map(({ terms }) => terms)).map(insertTerms),
    ...countInLog,
    ...scopes.map(countInScopes),
    ...chunked(objectRows(unique)).map(insertObjects),
  ];
  const conflicts = chunked(events.map(pair)).map(selectConflicts);
  const results = await runBatch(db, [...before, ...inserts.map(insertEvents), ...after, ...conflicts, ...alongside]);
  const inserted = results.slice(before.length, before.length + inserts.length);
  const selected = results.slice(before.length + inserts.length + after.length, results.length - alongside.length);
  const stored = inserted.reduce((sum, result) => sum + result.meta.changes, 0);
  const found = selected.flatMap(({ results: rows }) => rows.map(toConflict));
  const sent = new Set(found.map(conflictKey));
  const refused = events.filter((event) => sent.has(conflictKey(withContent(event)))).length;
  const rowsWritten = results.reduce((sum, result) => sum + result.meta.rows_written, 0);
  return { events: stored, duplicates: events.length - stored - refused, rowsWritten, conflicts: found };
}

const pair = (event: NewEvent): string => JSON.stringify(Object.values(withContent(event)));

const toConflict = ({ uuid, content, stored }: Record<string, unknown>): Conflict => ({
  uuid: String(uuid),
  content: String(content),
  stored: String(stored),
});

/** Gives each type that the catalogue does not know the next free number, from FIRST_UNKNOWN_TYPE on. */
function insertTypes(events: readonly NewEvent[]) {
  const names = new Set(events.map((event) => event.eventType).filter((name) => typeNumber(name) === undefined));
  return sql`INSERT INTO event_types (id, name)
    SELECT max(${integer(FIRST_UNKNOWN_TYPE - 1)}, (SELECT max(id) FROM event_types)) + row_number() OVER (), value
    FROM json_each(${JSON.stringify([...names])})
    WHERE value NOT IN (SELECT name FROM event_types)`;
}

const insertEvents = (rows: string) => sql`INSERT INTO events
    (uuid, created, type, message, folded, context, producer, received_at, content)
  SELECT value->>0, value->>1,
    CASE json_type(value, '$[2]') WHEN 'integer' THEN value->>2 ELSE (SELECT id FROM event_types WHERE name = value->>2) END,
    value->>3, value->>4, value->>5, value->>6, value->>7, value->>8
  FROM json_each(${rows})
  WHERE value->>8 IS NOT NULL OR value->>0 NOT IN ${withoutDuplicates(rows)}
  ON CONFLICT (uuid) DO NOTHING`;

/** Only for events that are new in this transaction: a duplicate keeps its scopes. */
const insertScopes = (rows: string) => sql`INSERT INTO event_scopes (scope, created, event_id, type, roles)
  SELECT entry.value->>1, events.created, events.id, events.type, entry.value->>2
  FROM json_each(${rows}) AS entry JOIN events ON events.uuid = entry.value->>0
  WHERE events.id > (SELECT last_id FROM commit_watermark)`;

const insertTerms = (rows: string) => sql`INSERT INTO event_index (rowid, terms)
  SELECT events.id, (entry.value->>1) || ' type:' || events.type
  FROM json_each(${rows}) AS entry JOIN events ON events.uuid = entry.value->>0
  WHERE events.id > (SELECT last_id FROM commit_watermark)`;
