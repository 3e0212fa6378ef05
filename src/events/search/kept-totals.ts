import { sql } from "drizzle-orm";
import type { Database } from "../../db/client.ts";
import { runBatch } from "../../db/client.ts";
import type { SearchTotal } from "./total.ts";

/**
 * Matches that a request must have counted for its total to be kept: a row written costs as much as 1,000 rows read.
 */
const WORTH_KEEPING = 2_000;

/** The number of kept totals; the oldest are deleted. */
const MAX_KEPT = 10_000;

/** Whether a total should be kept for the next search. */
export const isWorthKeeping = ({ counted }: SearchTotal): boolean => counted >= WORTH_KEEPING;

/**
 * Keeps the total of a search. It is valid for ever within its epoch, because events up to an id do not change then;
 * so it may be kept late, twice, or from a replica that lags.
 */
export async function keepTotal(db: Database, key: string, { total, uptoId, epoch }: SearchTotal): Promise<void> {
  await runBatch(db, [
    sql`INSERT INTO search_totals (query, epoch, upto_id, n) VALUES (${key}, ${epoch}, ${uptoId}, ${total})
      ON CONFLICT (query) DO UPDATE SET epoch = excluded.epoch, upto_id = excluded.upto_id, n = excluded.n
      WHERE excluded.epoch > epoch OR (excluded.epoch = epoch AND excluded.upto_id > upto_id)`,
    sql`DELETE FROM search_totals WHERE query IN (
      SELECT query FROM search_totals ORDER BY epoch, upto_id
      LIMIT max(0, (SELECT count(*) FROM search_totals) - ${MAX_KEPT}))`,
  ]);
}
