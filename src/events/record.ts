import { sql } from "drizzle-orm";
import { FIRST_UNKNOWN_TYPE, typeNumber } from "../catalogue/data.ts";
import { type Database, runBatch } from "../db/client.ts";
import { asciiUpper, fold } from "./fold.ts";
import { insertObjects, objectRows } from "./learn-objects.ts";
import { scopesOf } from "./scopes.ts";
import { tallyLog, tallyScopes } from "./tally.ts";
import { gramsOf, scopeTerms, valueTerm } from "./terms.ts";

/** An event to be written. Times in microseconds; `context` is compact JSON text of an object. */
export interface NewEvent {
  /** 32 lower-case hex digits. */
  uuid: string;
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
}

/** Characters of one bound parameter: under D1's 2,000,000 bytes a value even if every one takes three. */
const MAX_PARAMETER_LENGTH = 600_000;

/**
 * Writes events in one transaction, one row each however often they come: an event whose uuid is in the table already is
 * left as it was first written. All or nothing: throws D1's error and then nothing is written.
 */
export async function recordEvents(db: Database, events: readonly NewEvent[]): Promise<RecordReport> {
  const unique = [...new Map([...events].reverse().map((event) => [event.uuid, event])).values()].reverse();
  const prepared = unique.map(prepare);
  const chunks = chunked(prepared.map(({ row }) => row));
  const scopeChunks = chunked(prepared.flatMap(({ scopes }) => scopes));
  const results = await runBatch(db, [
    sql`UPDATE commit_watermark SET last_id = (SELECT coalesce(max(id), 0) FROM events)`,
    insertTypes(unique),
    ...chunks.map(insertEvents),
    ...scopeChunks.map(insertScopes),
    ...chunked(prepared.map(({ terms }) => terms)).map(insertTerms),
    ...tallyLog,
    ...scopeChunks.map(tallyScopes),
    ...chunked(objectRows(unique)).map(insertObjects),
  ]);
  const inserted = results.slice(2, 2 + chunks.length).reduce((sum, result) => sum + result.meta.changes, 0);
  const rowsWritten = results.reduce((sum, result) => sum + result.meta.rows_written, 0);
  return { events: inserted, duplicates: events.length - inserted, rowsWritten };
}

/** Types the catalogue does not know get the next free number from 1000 on. */
function insertTypes(events: readonly NewEvent[]) {
  const names = new Set(events.map((event) => event.eventType).filter((name) => typeNumber(name) === undefined));
  return sql`INSERT INTO event_types (id, name)
    SELECT max(${sql.raw(String(FIRST_UNKNOWN_TYPE - 1))}, (SELECT max(id) FROM event_types)) + row_number() OVER (), value
    FROM json_each(${JSON.stringify([...names])})
    WHERE value NOT IN (SELECT name FROM event_types)`;
}

interface Prepared {
  /** JSON rows for the three statements that take them. */
  row: string;
  scopes: string[];
  terms: string;
}

function prepare(event: NewEvent): Prepared {
  const { uuid, created, eventType, message, context, producer, receivedAt } = event;
  const folded = fold(message);
  const stored = folded === asciiUpper(message) ? null : folded;
  const values: Record<string, unknown> = JSON.parse(context);
  const scopes = scopesOf(eventType, values);
  const terms = [
    ...gramsOf(folded),
    ...scopes.flatMap(([scope, roles]) => scopeTerms(scope, roles)),
    ...(typeof values.auth_method === "string" ? [valueTerm("auth", values.auth_method)] : []),
    ...(typeof values.pat_uuid === "string" ? [valueTerm("pat", values.pat_uuid)] : []),
  ];
  const type = typeNumber(eventType) ?? eventType;
  return {
    row: JSON.stringify([uuid, created, type, message, stored, context, producer, receivedAt]),
    scopes: scopes.map((scope) => JSON.stringify([uuid, ...scope])),
    terms: JSON.stringify([uuid, terms.join(" ")]),
  };
}

const insertEvents = (rows: string) => sql`INSERT INTO events
    (uuid, created, type, message, folded, context, producer, received_at)
  SELECT value->>0, value->>1,
    CASE json_type(value, '$[2]') WHEN 'integer' THEN value->>2 ELSE (SELECT id FROM event_types WHERE name = value->>2) END,
    value->>3, value->>4, value->>5, value->>6, value->>7
  FROM json_each(${rows})
  WHERE true
  ON CONFLICT (uuid) DO NOTHING`;

/** Only of events that are new in this transaction: a duplicate keeps the scopes it was first written with. */
const insertScopes = (rows: string) => sql`INSERT INTO event_scopes (scope, created, event_id, type, roles)
  SELECT entry.value->>1, events.created, events.id, events.type, entry.value->>2
  FROM json_each(${rows}) AS entry JOIN events ON events.uuid = entry.value->>0
  WHERE events.id > (SELECT last_id FROM commit_watermark)`;

const insertTerms = (rows: string) => sql`INSERT INTO event_index (rowid, terms)
  SELECT events.id, (entry.value->>1) || ' type:' || events.type
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
