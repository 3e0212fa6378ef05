import { type SQL, sql } from "drizzle-orm";
import { FIRST_UNKNOWN_TYPE, typeNumber } from "../catalogue/data.ts";
import { type Database, runBatch } from "../db/client.ts";
import { asciiUpper, fold } from "./fold.ts";
import { adoptNames, aliased, markAdoption, selectConflicts } from "./sameness.ts";
import { scopesOf } from "./scopes.ts";

/** An event to be written. Times in microseconds; `context` is compact JSON text of an object. */
export interface NewEvent {
  /** 32 lower-case hex digits. */
  uuid: string;
  /** Digest of what it says, as 32 hex digits; absent when `uuid` is that digest: the event came without an id. */
  content?: string;
  created: number;
  eventType: string;
  message: string;
  context: string;
  producer: string;
  receivedAt: number;
}

/** What a batch came to, as D1 metered it. */
export interface RecordReport {
  events: number;
  duplicates: number;
  rowsWritten: number;
  conflicts: Conflict[];
}

/** An event that was not written, as another one has its uuid. `content` and `stored`: the digests of both. */
export interface Conflict {
  uuid: string;
  content: string;
  stored: string;
}

/** Characters of one bound parameter: under D1's 2,000,000 bytes a value even if every one takes three. */
const MAX_PARAMETER_LENGTH = 600_000;

const MAX_BYTES_PER_CHARACTER = 3;
/** Bytes of one row, and of one bound value (https://developers.cloudflare.com/d1/platform/limits/); local D1 takes more. */
const MAX_ROW_BYTES = 2_000_000;

/**
 * Writes events in one transaction, one row each however often they come: an event whose uuid is in the table already is
 * left as it was first written. All or nothing: throws D1's error and then nothing is written. Events with an id go
 * first, so that the same content without one finds them. `alongside` is run last, in the same transaction.
 */
export async function recordEvents(
  db: Database,
  events: readonly NewEvent[],
  alongside: readonly SQL[] = [],
): Promise<RecordReport> {
  const unique = [...new Map([...events].reverse().map((event) => [event.uuid, event])).values()].reverse();
  const named = unique.filter((event) => event.content !== undefined);
  const unnamed = unique.filter((event) => event.content === undefined);
  const names = chunked(named.map(pair));
  const inserts = [...chunked(named.map(row)), ...chunked(unnamed.map(row))];
  const before = [
    sql`UPDATE commit_watermark SET last_id = (SELECT coalesce(max(id), 0) FROM events)`,
    insertTypes(unique),
    ...names.flatMap((pairs) => [markAdoption(pairs), adoptNames(pairs)]),
  ];
  const after = chunked(unique.flatMap(scopeRows)).map(insertScopes);
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

/** Which event a conflict is about. */
export const conflictKey = ({ uuid, content }: Pick<Conflict, "uuid" | "content">): string => `${uuid} ${content}`;

/** Its uuid and what it says, told either way. */
export const withContent = ({ uuid, content = uuid }: Pick<NewEvent, "uuid" | "content">) => ({ uuid, content });

const pair = (event: NewEvent): string => JSON.stringify(Object.values(withContent(event)));

const toConflict = ({ uuid, content, stored }: Record<string, unknown>): Conflict => ({
  uuid: String(uuid),
  content: String(content),
  stored: String(stored),
});

/** Types the catalogue does not know get the next free number from 1000 on. */
function insertTypes(events: readonly NewEvent[]) {
  const names = new Set(events.map((event) => event.eventType).filter((name) => typeNumber(name) === undefined));
  return sql`INSERT INTO event_types (id, name)
    SELECT max(${sql.raw(String(FIRST_UNKNOWN_TYPE - 1))}, (SELECT max(id) FROM event_types)) + row_number() OVER (), value
    FROM json_each(${JSON.stringify([...names])})
    WHERE value NOT IN (SELECT name FROM event_types)`;
}

function row(event: NewEvent): string {
  const { uuid, created, eventType, message, context, producer, receivedAt, content = null } = event;
  const folded = fold(message);
  const stored = folded === asciiUpper(message) ? null : folded;
  const values = [
    uuid,
    created,
    typeNumber(eventType) ?? eventType,
    message,
    stored,
    context,
    producer,
    receivedAt,
    content,
  ];
  const text = JSON.stringify(values);
  if (text.length * MAX_BYTES_PER_CHARACTER > MAX_ROW_BYTES && new TextEncoder().encode(text).length > MAX_ROW_BYTES) {
    throw new Error(`Event ${uuid} is larger than a row may be.`);
  }
  return text;
}

const insertEvents = (rows: string) => sql`INSERT INTO events
    (uuid, created, type, message, folded, context, producer, received_at, content)
  SELECT value->>0, value->>1,
    CASE json_type(value, '$[2]') WHEN 'integer' THEN value->>2 ELSE (SELECT id FROM event_types WHERE name = value->>2) END,
    value->>3, value->>4, value->>5, value->>6, value->>7, value->>8
  FROM json_each(${rows})
  WHERE value->>8 IS NOT NULL OR value->>0 NOT IN ${aliased(rows)}
  ON CONFLICT (uuid) DO NOTHING`;

function scopeRows(event: NewEvent): string[] {
  return scopesOf(event.eventType, JSON.parse(event.context)).map((scope) => JSON.stringify([event.uuid, ...scope]));
}

/** Only of events that are new in this transaction: a duplicate keeps the scopes it was first written with. */
const insertScopes = (rows: string) => sql`INSERT INTO event_scopes (scope, created, event_id, type, roles)
  SELECT entry.value->>1, events.created, events.id, events.type, entry.value->>2
  FROM json_each(${rows}) AS entry JOIN events ON events.uuid = entry.value->>0
  WHERE events.id > (SELECT last_id FROM commit_watermark)`;

/** JSON arrays of as many rows as fit in one parameter. */
function chunked(rows: readonly string[]): string[] {
  const chunks: string[][] = [];
  let room = 0;
  for (const text of rows) {
    if (text.length > room) {
      chunks.push([]);
      room = MAX_PARAMETER_LENGTH;
    }
    chunks.at(-1)?.push(text);
    room -= text.length + 1;
  }
  return chunks.map((chunk) => `[${chunk.join(",")}]`);
}
