import { sql } from "drizzle-orm";
import { typeNumber } from "../catalogue/data.ts";
import { numberAt, type Reader } from "../db/reader.ts";

/**
 * The numbers of event types; names that no event has are left out. One round trip for names that the catalogue does
 * not know. Their numbers differ between databases, so the isolate does not keep them.
 */
export async function typeNumbers(reader: Reader, names: readonly string[] | undefined): Promise<number[] | undefined> {
  if (names === undefined) return undefined;
  const known = names.flatMap((name) => typeNumber(name) ?? []);
  const unknown = names.filter((name) => typeNumber(name) === undefined);
  if (unknown.length === 0) return known;
  const wanted = sql`SELECT value FROM json_each(${JSON.stringify(unknown)})`;
  const [rows = []] = await reader.read([sql`SELECT id FROM event_types WHERE name IN (${wanted})`]);
  return [...known, ...rows.map((row) => numberAt(row, "id"))];
}
