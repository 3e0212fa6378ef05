import { desc, inArray, type SQL, sql } from "drizzle-orm";
import type { Database } from "../../db/client.ts";
import { runBatch } from "../../db/client.ts";
import { searchKeys, searchTotals } from "../table.ts";
import type { Part } from "./keys.ts";

/**
 * The number of kept totals; the oldest are deleted, by one request of many, because it reads them all twice.
 */
const MAX_KEPT = 10_000;
const DELETED_BY_ONE_OF = 200;

/** Rows of kept matches, of up to 2,500 matches each, the most. Those of the oldest searches are deleted beyond it. */
const MAX_PARTS = 20_000;

/** Rows of kept matches in one parameter, which D1 limits to 2 MB. */
const PARTS_AT_ONCE = 20;

/** What one window has counted, and from which id on. */
export interface Counted {
  epoch: number;
  /** The window begins after this id: what was kept before ends here. */
  after: number;
  /** Every event up to this id is included. */
  uptoId: number;
  /** Matches up to that id, in all. */
  n: number;
  /** The matches of the window; undefined when they were counted only. */
  parts: readonly Part[] | undefined;
  /** The search, when there may be more matches: for the job that goes on. */
  unfinished?: string | undefined;
}

/**
 * Keeps what a window has counted. It is valid for ever within its epoch, because events up to an id do not change then; so
 * it may be kept late, or from a replica that lags. When another request has kept the same window, nothing is kept twice.
 */
export const keepWindow = (db: Database, key: string, counted: Counted): Promise<unknown> =>
  runBatch(db, counted.parts === undefined ? [upsert(key, counted, isNewer)] : keepKeys(key, counted, counted.parts));

/** A condition for the row of search_totals that is replaced: it is older. */
const isNewer = sql`excluded.epoch > search_totals.epoch
  OR (excluded.epoch = search_totals.epoch AND search_totals.is_listed = 0
    AND (excluded.upto_id > search_totals.upto_id OR (excluded.upto_id = search_totals.upto_id AND excluded.unfinished IS NULL
      AND search_totals.unfinished IS NOT NULL)))`;

/** The total and the matches, if what is kept ends where the window begins. */
function keepKeys(key: string, counted: Counted, parts: readonly Part[]): SQL[] {
  const { epoch, after, uptoId } = counted;
  const known = sql`FROM search_totals WHERE query = ${key} AND epoch`;
  const follows = sql`coalesce((SELECT upto_id ${known} = ${epoch} AND is_listed = 1), 0) = ${after}
    AND NOT EXISTS (SELECT 1 ${known} > ${epoch})`;
  const rows = parts.map(({ part, n, firstCreated, lastCreated, firstId, lastId, text }) =>
    JSON.stringify([part, n, firstCreated, lastCreated, firstId, lastId, text]),
  );
  return [
    // What was kept in another epoch, or before its row in search_totals was deleted.
    sql`DELETE FROM search_keys WHERE query = ${key} AND ${follows} AND (epoch <> ${epoch} OR ${after} = 0)`,
    ...chunks(rows).map(
      (
        some,
      ) => sql`INSERT INTO search_keys (query, upto_id, part, epoch, n, first_created, last_created, first_id, last_id, keys)
        SELECT ${key}, ${uptoId}, value->>0, ${epoch}, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6
        FROM json_each(${`[${some.join(",")}]`}) WHERE ${follows}`,
    ),
    upsert(key, counted, sql`1`, follows),
  ];
}

const upsert = (key: string, { epoch, uptoId, n, parts, unfinished }: Counted, replaces: SQL, if_: SQL = sql`1`): SQL =>
  sql`INSERT INTO search_totals (query, epoch, upto_id, n, is_listed, unfinished)
    SELECT ${key}, ${epoch}, ${uptoId}, ${n}, ${parts ? 1 : 0}, ${unfinished ?? null} WHERE ${if_}
    ON CONFLICT (query) DO UPDATE SET epoch = excluded.epoch, upto_id = excluded.upto_id, n = excluded.n,
      is_listed = excluded.is_listed, unfinished = excluded.unfinished WHERE ${replaces}`;

const chunks = (rows: readonly string[]): string[][] =>
  Array.from({ length: Math.ceil(rows.length / PARTS_AT_ONCE) }, (_, index) =>
    rows.slice(index * PARTS_AT_ONCE, (index + 1) * PARTS_AT_ONCE),
  );

/**
 * Deletes the oldest kept totals and matches beyond their limits, in one of many calls. 0 ≤ `random` < 1 decides in which: a
 * client must not be able to tell which requests do it.
 */
export async function deleteOldest(db: Database, random = Math.random()): Promise<void> {
  if (random >= 1 / DELETED_BY_ONE_OF) return;
  const { query, epoch, uptoId } = searchTotals;
  const beyond = db
    .select({ query })
    .from(searchTotals)
    .orderBy(desc(epoch), desc(uptoId))
    .limit(MAX_KEPT)
    .offset(MAX_KEPT);
  const tooMany = sql`SELECT query FROM (
      SELECT search_totals.query, sum(count(*)) OVER (ORDER BY search_totals.epoch DESC, search_totals.upto_id DESC,
        search_totals.query) AS parts
      FROM search_totals JOIN search_keys USING (query) GROUP BY search_totals.query
    ) WHERE parts > ${MAX_PARTS}`;
  await runBatch(db, [
    db.delete(searchTotals).where(inArray(query, beyond)),
    sql`DELETE FROM search_totals WHERE query IN (${tooMany})`,
    db.delete(searchKeys).where(sql`${searchKeys.query} NOT IN (SELECT query FROM search_totals)`),
  ]);
}
