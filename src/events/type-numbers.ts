import { type SQL, sql } from "drizzle-orm";
import { OTHER_TYPE, typeNumber } from "../catalogue/data.ts";
import { database, runBatch } from "../db/client.ts";
import { type Meter, numberAt, type Reader, type Row, textAt } from "../db/reader.ts";
import { ExpiringCache } from "../http/cache.ts";
import { matchAll, typeTerm, valueTerm } from "./search/terms.ts";

// Raw SQL: FTS5's MATCH, and lists that travel as one parameter, because D1 takes at most 100.

/** Event types, as events hold them. */
export interface WantedTypes {
  numbers: readonly number[];
  /** Names of events that share the number OTHER_TYPE. */
  others: readonly string[];
}

/** Types of the catalogue whose first events were stored before it knew them: name → their numbers from then. */
type EarlierTypes = ReadonlyMap<string, readonly number[]>;

/** Milliseconds after which an isolate reads `earlier_types` again. The rows change only with a migration. */
const REFRESH_MS = 60_000;

const EVERY_TYPE = "*";
const knownEarlier = new ExpiringCache<EarlierTypes>(1);

/**
 * The event types of these names; names that no event has are left out. One round trip for names that the catalogue does
 * not know, which reads a few rows for each. Their numbers differ between databases, so the isolate does not keep them.
 * `earlier` is called for names of the catalogue.
 */
export async function typesOf(
  reader: Reader,
  names: readonly string[] | undefined,
  earlier: () => Promise<EarlierTypes>,
): Promise<WantedTypes | undefined> {
  if (names === undefined) return undefined;
  const known = names.filter((name) => typeNumber(name) !== undefined);
  const unknown = unknownAmong(names);
  const ofKnown = known.length > 0 ? withEarlier(known, await earlier()) : NO_TYPES;
  const ofUnknown = unknown.length > 0 ? await lookUp(reader, unknown) : NO_TYPES;
  return {
    numbers: [...ofKnown.numbers, ...ofUnknown.numbers],
    others: [...ofKnown.others, ...ofUnknown.others],
  };
}

const NO_TYPES: WantedTypes = { numbers: [], others: [] };

/**
 * The earlier types, from the memory of the isolate. The first time it asks the primary, because a replica may lag behind
 * the migration: one round trip that reads a row for each earlier type, and one row in most databases, which have none. After
 * REFRESH_MS it asks again, with `defer`. `now` in milliseconds.
 */
export async function earlierTypes(
  binding: D1Database,
  meter: Pick<Meter, "rowsRead" | "roundTrips">,
  defer: (work: Promise<unknown>) => void,
  now: number,
): Promise<EarlierTypes> {
  const known = knownEarlier.get(EVERY_TYPE, Number.POSITIVE_INFINITY, now);
  if (known === undefined) {
    const { types, rowsRead } = await readEarlier(binding, now);
    meter.roundTrips += 1;
    meter.rowsRead += rowsRead;
    return types;
  }
  if (knownEarlier.get(EVERY_TYPE, REFRESH_MS, now) === undefined) {
    knownEarlier.set(EVERY_TYPE, known, now);
    defer(readEarlier(binding, now).catch(logFailure));
  }
  return known;
}

async function readEarlier(binding: D1Database, now: number): Promise<{ types: EarlierTypes; rowsRead: number }> {
  const [read] = await runBatch(database(binding), [sql`SELECT name, type FROM earlier_types`]);
  const rows = (read?.results ?? []).map(({ name, type }) => ({ name: String(name), type: Number(type) }));
  const grouped = Map.groupBy(rows, ({ name }) => name);
  const types = new Map([...grouped].map(([name, some]) => [name, some.map(({ type }) => type)]));
  knownEarlier.set(EVERY_TYPE, types, now);
  return { types, rowsRead: read?.meta.rows_read ?? 0 };
}

const logFailure = (error: unknown): void =>
  console.error(JSON.stringify({ level: "error", event: "earlier_types_not_read", error: String(error) }));

/** The types of names of the catalogue. */
function withEarlier(names: readonly string[], earlier: EarlierTypes): WantedTypes {
  const before = (name: string) => earlier.get(name) ?? [];
  return {
    numbers: names.flatMap((name) =>
      [typeNumber(name) ?? [], before(name).filter((type) => type !== OTHER_TYPE)].flat(),
    ),
    others: names.filter((name) => before(name).includes(OTHER_TYPE)),
  };
}

const lookUp = async (reader: Reader, names: readonly string[]): Promise<WantedTypes> =>
  foundTypes(await reader.read(typeStatements(names)));

/** The names among these that the catalogue does not know: the first event of such a type may come at any time. */
export const unknownAmong = (names: readonly string[] = []): string[] =>
  names.filter((name) => typeNumber(name) === undefined);

/** Statements whose rows `foundTypes` reads: the types of these names, which the catalogue does not know; none without names. */
export const typeStatements = (names: readonly string[]): SQL[] =>
  names.length > 0 ? [numberedAmong(names), othersAmong(names)] : [];

export const foundTypes = ([numbered = [], others = []]: readonly (readonly Row[])[]): WantedTypes => ({
  numbers: numbered.map((row) => numberAt(row, "id")),
  others: others.map((row) => textAt(row, "name")),
});

const numberedAmong = (names: readonly string[]) =>
  sql`SELECT id FROM event_types WHERE name IN (SELECT value FROM json_each(${JSON.stringify(names)}))`;

/** The names that events of OTHER_TYPE have, also names that differ from them in the case of ASCII letters only. */
function othersAmong(names: readonly string[]) {
  const pairs = names.map((name) => [name, matchAll([typeTerm(OTHER_TYPE), valueTerm("name", name)])]);
  return sql`SELECT value->>0 AS name FROM json_each(${JSON.stringify(pairs)}) AS wanted
    WHERE EXISTS (SELECT 1 FROM event_index WHERE event_index MATCH ${matchAll([typeTerm(OTHER_TYPE)])})
      AND EXISTS (SELECT 1 FROM event_index WHERE event_index MATCH wanted.value->>1)`;
}
