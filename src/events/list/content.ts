import { type SQL, sql } from "drizzle-orm";
import { numberAt, type Reader, textAt } from "../../db/reader.ts";
import { textOf } from "../../db/sql.ts";
import type { LongJson } from "../../http/json.ts";
import { byteLength } from "../../values/bytes.ts";
import { eventJson, eventsJson } from "../representation.ts";
import { type EventRow, KEY_COLUMNS } from "../row.ts";
import { events } from "../table.ts";

/**
 * The content of a page: the messages and contexts of its events. An event may have 64 KiB, a page 300 of them, and an
 * isolate 128 MB for all its requests. So an event that is larger than its share of PAGE_BYTES is read when the client
 * takes that part of the page.
 */

/** Bytes of content that are read with a page, in one statement. */
export const PAGE_BYTES = 1_048_576;

/** Bytes of JSON whose content is read at once after that; more where one event has more. */
export const PART_BYTES = 131_072;

/** JSON writes a control character of one byte as `\u0001`. */
const MAX_JSON_GROWTH = 6;

/** Columns as SQL. */
const columns: Readonly<Record<string, string>> = {
  message: textOf(sql`${events.message}`),
  context: textOf(sql`${events.context}`),
};

/** Their sizes in JSON. */
const inJson: Readonly<Record<string, string>> = {
  message: `octet_length(json_quote(${columns.message}))`,
  context: `octet_length(${columns.context})`,
};

/** SQLite knows these without reading the content. */
const stored: Readonly<Record<string, string>> = {
  message: `octet_length(${columns.message})`,
  context: `octet_length(${columns.context})`,
};

const contentOf = (fields: readonly string[]): string[] => fields.filter((field) => field in columns);

/**
 * The columns for a page of at most so many events, which prints these fields. Content is NULL where it is not printed,
 * where it is larger than its share, and everywhere without `readsContent`.
 */
export function pageColumns(
  fields: readonly string[],
  { events: most, readsContent }: { events: number; readsContent: boolean },
): SQL {
  const content = contentOf(fields);
  const sum = (sizes: typeof inJson) => ["0", ...content.flatMap((field) => sizes[field] ?? [])].join(" + ");
  const share = Math.trunc(readsContent ? PAGE_BYTES / most : 0);
  // The first condition saves nearly every page the work of the last one.
  const isShort = `(${sum(stored)}) * ${MAX_JSON_GROWTH} <= ${share}
    OR (${sum(stored)} <= ${share} AND ${sum(inJson)} <= ${share})`;
  const column = (field: string) =>
    content.includes(field) ? `CASE WHEN ${isShort} THEN ${columns[field]} END` : "NULL";
  return sql.raw(`${KEY_COLUMNS}, ${column("message")} AS message, ${column("context")} AS context,
    CASE WHEN ${isShort} THEN 0 ELSE ${sum(inJson)} END AS unread`);
}

/** The JSON of a page. Reads the missing content part by part, while the client takes it. */
export function pageJson(reader: Reader, rows: readonly EventRow[], fields: readonly string[]): string | LongJson {
  if (rows.every(({ unread }) => unread === 0)) return eventsJson(rows, fields);
  const sizes = rows.map((row) => printedBytes(row, fields));
  const commas = rows.length - 1;
  return {
    bytes: sizes.reduce((sum, size) => sum + size, "[]".length + commas),
    parts: () => printParts(reader, partsOf(rows, sizes), fields),
  };
}

/** Equal for pages with equal bodies only: an event never changes, except for its uuid. */
export const identityOf = (rows: readonly EventRow[], fields: readonly string[]): string =>
  rows.length === 0 ? "[]" : JSON.stringify([fields, rows.map(({ uuid }) => uuid)]);

/** Of one event; an unread message is printed as `""` here. */
function printedBytes(row: EventRow, fields: readonly string[]): number {
  const quotes = row.unread > 0 && fields.includes("message") ? '""'.length : 0;
  return byteLength(eventJson(row, fields)) - quotes + row.unread;
}

function partsOf(rows: readonly EventRow[], sizes: readonly number[]): EventRow[][] {
  const parts: EventRow[][] = [];
  let room = 0;
  for (const [index, row] of rows.entries()) {
    const size = sizes[index] ?? 0;
    const part = parts.at(-1);
    if (part === undefined || size > room) {
      parts.push([row]);
      room = PART_BYTES;
    } else part.push(row);
    room -= size;
  }
  return parts;
}

async function* printParts(
  reader: Reader,
  parts: readonly EventRow[][],
  fields: readonly string[],
): AsyncGenerator<string> {
  let before = "[";
  for (const part of parts) {
    const whole = await withContent(reader, part, fields);
    for (const row of whole) {
      yield before + eventJson(row, fields);
      before = ",";
    }
  }
  yield "]";
}

/** Throws when an event was deleted in the meantime: the client must not take a shorter page for a whole one. */
async function withContent(reader: Reader, rows: readonly EventRow[], fields: readonly string[]): Promise<EventRow[]> {
  const ids = rows.filter(({ unread }) => unread > 0).map(({ id }) => id);
  if (ids.length === 0) return [...rows];
  const wanted = sql.raw(["id", ...contentOf(fields)].join(", "));
  const [found = []] = await reader.read([sql`SELECT ${wanted} FROM events WHERE id IN (${sql.raw(ids.join(","))})`]);
  const contents = new Map(found.map((row) => [numberAt(row, "id"), row]));
  return rows.map((row) => {
    if (row.unread === 0) return row;
    const content = contents.get(row.id);
    if (content === undefined) throw new Error(`Event ${row.id} was deleted while it was being sent.`);
    return { ...row, message: textAt(content, "message"), context: textAt(content, "context") };
  });
}
