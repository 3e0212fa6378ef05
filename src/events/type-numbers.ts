import { sql } from "drizzle-orm";
import { OTHER_TYPE, typeNumber } from "../catalogue/data.ts";
import { numberAt, type Reader, textAt } from "../db/reader.ts";
import { matchAll, typeTerm, valueTerm } from "./search/terms.ts";

// Raw SQL: FTS5's MATCH, and lists that travel as one parameter, because D1 takes at most 100.

/** Event types, as events hold them. */
export interface WantedTypes {
  numbers: readonly number[];
  /** Names of events that share the number OTHER_TYPE. */
  others: readonly string[];
}

/**
 * The event types of these names; names that no event has are left out. One round trip for names that the catalogue does
 * not know, which reads a few rows for each. Their numbers differ between databases, so the isolate does not keep them.
 */
export async function typesOf(reader: Reader, names: readonly string[] | undefined): Promise<WantedTypes | undefined> {
  if (names === undefined) return undefined;
  const known = names.flatMap((name) => typeNumber(name) ?? []);
  const unknown = names.filter((name) => typeNumber(name) === undefined);
  if (unknown.length === 0) return { numbers: known, others: [] };
  const [numbered = [], others = []] = await reader.read([numberedAmong(unknown), othersAmong(unknown)]);
  return {
    numbers: [...known, ...numbered.map((row) => numberAt(row, "id"))],
    others: others.map((row) => textAt(row, "name")),
  };
}

const numberedAmong = (names: readonly string[]) =>
  sql`SELECT id FROM event_types WHERE name IN (SELECT value FROM json_each(${JSON.stringify(names)}))`;

/** The names that events of OTHER_TYPE have, also names that differ from them in the case of ASCII letters only. */
function othersAmong(names: readonly string[]) {
  const pairs = names.map((name) => [name, matchAll([typeTerm(OTHER_TYPE), valueTerm("name", name)])]);
  return sql`SELECT value->>0 AS name FROM json_each(${JSON.stringify(pairs)}) AS wanted
    WHERE EXISTS (SELECT 1 FROM event_index WHERE event_index MATCH ${matchAll([typeTerm(OTHER_TYPE)])})
      AND EXISTS (SELECT 1 FROM event_index WHERE event_index MATCH wanted.value->>1)`;
}
