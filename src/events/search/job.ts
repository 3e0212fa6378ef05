import { sql } from "drizzle-orm";
import { type Database, database, runBatch } from "../../db/client.ts";
import { Reader } from "../../db/reader.ts";
import { reason } from "../../http/errors.ts";
import { EPOCH } from "../version.ts";
import { parseUnfinished } from "./job-query.ts";
import { readMatches } from "./read.ts";

/** Searches that one run goes on with, and the rows that it reads for each. */
const AT_ONCE = 4;
const ROWS_EACH = 500_000;

/** Goes on counting searches that were too large for one request. Run once a minute. */
export async function finishSearches({ DB }: { DB: D1Database }): Promise<void> {
  const db = database(DB);
  const [found] = await runBatch(db, [
    sql`SELECT query, unfinished, epoch = ${EPOCH} AS is_current FROM search_totals
      WHERE unfinished IS NOT NULL LIMIT ${AT_ONCE}`,
  ]);
  for (const { query, unfinished, is_current } of found?.results ?? []) {
    // The next request, if there is one, counts from the beginning.
    if (is_current !== 1) await leave(db, query);
    else await goOn(db, DB, String(query), String(unfinished)).catch((error) => giveUp(db, query, error));
  }
}

const leave = (db: Database, key: unknown) =>
  runBatch(db, [sql`UPDATE search_totals SET unfinished = NULL WHERE query = ${key}`]);

/** Leaves a search to the next request for it: it must not stand in the way of the others. */
async function giveUp(db: Database, key: unknown, error: unknown): Promise<void> {
  console.error(JSON.stringify({ level: "error", event: "search_not_finished", ...reason(error) }));
  await leave(db, key);
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
