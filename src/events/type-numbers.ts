import { inArray, sql } from "drizzle-orm";
import { typeNumber } from "../catalogue/data.ts";
import type { Reader } from "../db/reader.ts";
import { eventTypes } from "./table.ts";

/**
 * The numbers of event types; names that no event has are left out. One round trip for names that the catalogue does
 * not know. Their numbers differ between databases, so the isolate does not keep them.
 */
export async function typeNumbers(reader: Reader, names: readonly string[] | undefined): Promise<number[] | undefined> {
  if (names === undefined) return undefined;
  const known = names.flatMap((name) => typeNumber(name) ?? []);
  const unknown = names.filter((name) => typeNumber(name) === undefined);
  if (unknown.length === 0) return known;
  // One parameter, because D1 takes at most 100.
  const isUnknown = inArray(eventTypes.name, sql`(SELECT value FROM json_each(${JSON.stringify(unknown)}))`);
  const [found] = await reader.drizzle.batch([
    reader.drizzle.select({ id: eventTypes.id }).from(eventTypes).where(isUnknown),
  ]);
  return [...known, ...found.map(({ id }) => id)];
}
