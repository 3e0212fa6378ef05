import { typeName } from "../catalogue/data.ts";
import { printTime } from "../values/time.ts";
import type { EventRow } from "./row.ts";

const printed: Record<string, (row: EventRow) => string> = {
  id: (row) => String(row.id),
  uuid: (row) => `"${row.uuid}"`,
  created: (row) => `"${printTime(row.created)}"`,
  event_type: (row) => JSON.stringify(typeName(row.type) ?? row.otherType),
  message: (row) => JSON.stringify(row.message),
  context: (row) => row.context,
};

/** A field as plain text; the context as JSON. */
export function fieldText(row: EventRow, field: string): string {
  const json = printed[field]?.(row) ?? "";
  return json.startsWith('"') ? String(JSON.parse(json)) : json;
}

/** Every field that `field=` may ask for, in the order they are printed. */
export const EVENT_FIELDS: readonly string[] = Object.keys(printed);

const DEFAULT_FIELDS = EVENT_FIELDS.filter((field) => field !== "id");

/**
 * Which fields `field=a&field=b` leaves: known ones in our order; the five default ones when none is known. Without
 * `knowsIds`, `id` is not known.
 */
export function chosenFields(asked: readonly string[], knowsIds: boolean): readonly string[] {
  const known = (knowsIds ? EVENT_FIELDS : DEFAULT_FIELDS).filter((field) => asked.includes(field));
  return known.length > 0 ? known : DEFAULT_FIELDS;
}

/** One event as JSON text. The context is stored as compact JSON and passed on as it is, so its numbers stay exact. */
export const eventJson = (row: EventRow, fields: readonly string[]): string => print(row, partsOf(fields));

/** Events as the text of a JSON array. */
export function eventsJson(rows: readonly EventRow[], fields: readonly string[]): string {
  const parts = partsOf(fields);
  return `[${rows.map((row) => print(row, parts)).join(",")}]`;
}

/** The text before each field, and what prints it. */
const partsOf = (fields: readonly string[]) =>
  fields.flatMap((field, index) => {
    const value = printed[field];
    return value === undefined ? [] : [{ before: `${index === 0 ? "{" : ","}"${field}":`, value }];
  });

// A loop: a page is printed twice as fast as with map and join.
function print(row: EventRow, parts: ReturnType<typeof partsOf>): string {
  let text = "";
  for (const { before, value } of parts) text += before + value(row);
  return `${text}}`;
}
