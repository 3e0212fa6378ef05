import * as v from "valibot";
import type { LogEntry } from "../../events/backup/entry.ts";
import { Failure } from "../failure.ts";

/** The lines of a backup and its manifest; README.md describes them. */

export const FORMAT = 1;

/** Bytes of the longest line: an event is at most 64 KiB when it arrives, a dead letter a message of the queue. */
export const MAX_LINE_BYTES = 2_000_000;
/** Bytes of the longest manifest: a part of the largest database of D1 takes a line. */
export const MAX_MANIFEST_BYTES = 4_000_000;

const uuid = v.pipe(v.string(), v.regex(/^[\da-f]{32}$/));
const digest = v.pipe(v.string(), v.regex(/^[\da-f]{64}$/));
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const integer = v.pipe(v.number(), v.safeInteger());
const flag = v.picklist([0, 1]);

const header = v.strictObject({
  op: v.literal("backup"),
  format: v.literal(FORMAT),
  schema: v.string(),
  incarnation: count,
});

const event = v.strictObject({
  seq: count,
  op: v.literal("event"),
  uuid,
  created: integer,
  received: integer,
  event_type: v.string(),
  type: count,
  producer: v.string(),
  upstream: flag,
  content: v.nullable(uuid),
  scopes: v.record(uuid, count),
  message: v.string(),
  context: v.string(),
});

const change = v.strictObject({
  seq: count,
  op: v.picklist(["identity", "removed", "period"]),
  event_id: count,
  uuid: v.optional(uuid),
  old_uuid: v.optional(uuid),
  upstream: v.optional(flag),
  created: v.optional(integer),
  type: v.optional(count),
  type_name: v.optional(v.string()),
  scopes: v.optional(v.string()),
  created_from: v.optional(integer),
  created_to: v.optional(integer),
  n: v.optional(count),
  last_id: v.optional(count),
});

const row = v.strictObject({
  op: v.literal("row"),
  table: v.string(),
  row: v.record(v.string(), v.union([v.string(), v.number(), v.null()])),
  /** Of a dead letter: its body is in the bucket. */
  isLarge: v.optional(v.literal(true)),
});

const end = v.strictObject({
  op: v.literal("end"),
  last: count,
  last_change: count,
  dense_from: count,
  complete_through: count,
});

const line = v.variant("op", [header, event, change, row, end]);

export type Line = v.InferOutput<typeof line>;
export type Header = v.InferOutput<typeof header>;
export type RowLine = v.InferOutput<typeof row>;
export type EndLine = v.InferOutput<typeof end>;

const part = v.strictObject({ bytes: count, lines: count, sha256: digest });

const manifest = v.strictObject({
  format: v.literal(FORMAT),
  /** The newest migration of the database. */
  schema: v.string(),
  /** When the backup was complete. */
  made: v.string(),
  log: v.strictObject({
    incarnation: count,
    first: count,
    last: count,
    entries: count,
    events: count,
    changes: count,
    /** Of the lines of entries. */
    sha256: digest,
  }),
  rows: v.record(v.string(), count),
  bytes: count,
  lines: count,
  sha256: digest,
  parts: v.array(part),
});

export type Manifest = v.InferOutput<typeof manifest>;
export type Part = v.InferOutput<typeof part>;

export const isEntry = (read: Line): read is Line & LogEntry =>
  read.op === "event" || read.op === "identity" || read.op === "removed" || read.op === "period";

/** Reads a line of a backup. Throws a Failure, with the number of the line, where it is none. */
export function parseLine(text: string, number: number): Line {
  const read = v.safeParse(v.pipe(v.string(), v.parseJson(), line), text);
  if (read.success) return read.output;
  const { message } = read.issues[0];
  throw new Failure(`Line ${number} is no line of a backup: ${message}`);
}

/** Reads a manifest. Throws a Failure where it is none, or of another version of the format. */
export function parseManifest(text: string): Manifest {
  if (text.length > MAX_MANIFEST_BYTES) throw new Failure("The manifest is larger than a manifest can be.");
  const read = v.safeParse(v.pipe(v.string(), v.parseJson(), manifest), text);
  if (read.success) return read.output;
  throw new Failure(`The manifest of the backup cannot be read: ${read.issues[0].message}`);
}
