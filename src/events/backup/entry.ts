import { OTHER_TYPE } from "../../catalogue/data.ts";
import type { EventScope } from "../scopes.ts";
import { typeTerm, valueTerm } from "../search/terms.ts";
import { searchable } from "../write/prepare.ts";

/** An entry of the log that is a stored event. Times in microseconds; uuids and content are 32 hex digits. */
export interface EventEntry {
  /** The number of the entry, and the id of the event. */
  seq: number;
  op: "event";
  uuid: string;
  created: number;
  received: number;
  event_type: string;
  /** The number of the type in this log. */
  type: number;
  producer: string;
  /** 1: its uuid is from a producer that is the source of truth. */
  upstream: number;
  /** The digest of what it says; null when the uuid is this digest. */
  content: string | null;
  /** Object → roles. */
  scopes: Readonly<Record<string, number>>;
  message: string;
  /** Text of a JSON object, as it is stored. */
  context: string;
}

/** An entry that is no event, with the columns of log_changes that it has. */
export interface ChangeEntry {
  seq: number;
  op: "identity" | "removed" | "period";
  event_id: number;
  uuid?: string | null | undefined;
  old_uuid?: string | null | undefined;
  upstream?: number | null | undefined;
  created?: number | null | undefined;
  type?: number | null | undefined;
  type_name?: string | null | undefined;
  /** Text of a JSON object, object → roles. */
  scopes?: string | null | undefined;
  created_from?: number | null | undefined;
  created_to?: number | null | undefined;
  n?: number | null | undefined;
  last_id?: number | null | undefined;
}

export type LogEntry = EventEntry | ChangeEntry;

/** A row as the statements of a backup return it. */
type Row = Readonly<Record<string, unknown>>;

/** A row of an event (read.ts) as an entry. */
export const eventEntry = (row: Row): EventEntry => ({
  seq: Number(row.id),
  op: "event",
  uuid: String(row.uuid),
  created: Number(row.created),
  received: Number(row.received_at),
  event_type: String(row.event_type),
  type: Number(row.type),
  producer: String(row.producer),
  upstream: Number(row.upstream),
  content: row.content === null ? null : String(row.content),
  scopes: JSON.parse(String(row.scopes)),
  message: String(row.message),
  context: String(row.context),
});

/** A row of log_changes as an entry, without the columns that are null. */
export function changeEntry({ id, ...row }: Row): ChangeEntry {
  const present = Object.entries(row).filter(([, value]) => value !== null);
  return { seq: Number(id), ...Object.fromEntries(present) } as ChangeEntry;
}

/** An entry as rows of the lists that `writeEntries` (restore.ts) reads. */
export type HandedEntry = Record<"events" | "scopes" | "terms" | "changes", unknown[][]>;

export function handedEntry(entry: LogEntry): HandedEntry {
  const handed: HandedEntry = { events: [], scopes: [], terms: [], changes: [] };
  if (entry.op === "event") handEvent(handed, entry);
  else handed.changes.push(changeRow(entry));
  return handed;
}

/** What a search reads is computed again, because the version of the code that reads it may be another. */
function handEvent({ events, scopes, terms }: HandedEntry, entry: EventEntry): void {
  const { seq, uuid, created, type, event_type, message, context, producer, received, content, upstream } = entry;
  const concerned: EventScope[] = Object.entries(entry.scopes);
  const { folded, terms: found } = searchable(message, concerned, JSON.parse(context));
  const name = type < OTHER_TYPE ? null : event_type;
  events.push([seq, uuid, created, type, name, message, folded, context, producer, received, content, upstream]);
  for (const [scope, roles] of concerned) scopes.push([scope, created, seq, type, roles]);
  const ofType = type === OTHER_TYPE ? ` ${valueTerm("name", event_type)}` : "";
  terms.push([seq, `${found} ${typeTerm(type)}${ofType}`]);
}

const changeRow = (change: ChangeEntry): unknown[] => [
  ...[
    change.seq,
    change.op,
    change.event_id,
    change.uuid,
    change.old_uuid,
    change.upstream,
    change.created,
    change.type,
  ],
  ...[change.type_name, change.scopes, change.created_from, change.created_to, change.n, change.last_id],
];
