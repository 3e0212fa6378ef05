import { sql } from "drizzle-orm";
import { type Database, database, runBatch } from "../../db/client.ts";
import { Reader } from "../../db/reader.ts";
import { EPOCH } from "../version.ts";
import { parseUnfinished } from "./job-query.ts";
import { readMatches } from "./read.ts";

/** Searches that one run goes on with, and the rows that it reads for each. */
const AT_ONCE = 4;
const ROWS_EACH = 500_000;

/** Goes on counting searches that were too large for one request. Run once a minute. */
export async function finishSearches({ DB }: { DB: D1Database }): Promise<void> {
  const db = database(DB);
  const [, found] = await runBatch(db, [
    // Counted from the beginning by the next request, if there is one.
    sql`UPDATE search_totals SET unfinished = NULL WHERE unfinished IS NOT NULL AND epoch <> ${EPOCH}`,
    sql`SELECT query, unfinished FROM search_totals WHERE unfinished IS NOT NULL LIMIT ${AT_ONCE}`,
  ]);
  for (const { query, unfinished } of found?.results ?? []) await goOn(db, DB, String(query), String(unfinished));
}

async function goOn(db: Database, binding: D1Database, key: string, text: string): Promise<void> {
  const { query, lists } = parseUnfinished(text);
  const kept: (() => Promise<unknown>)[] = [];
  const later = (work: (db: Database) => Promise<unknown>) => void kept.push(() => work(db));
  await readMatches(
    { reader: new Reader(binding), query, key, later, maxRows: ROWS_EACH },
    lists ? "must list" : "count",
  );
  for (const keep of kept) await keep();
}
