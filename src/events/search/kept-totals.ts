import { sql } from "drizzle-orm";
import type { Database } from "../../db/client.ts";
import { runBatch } from "../../db/client.ts";
import type { SearchTotal } from "./total.ts";

/** Matches that one request must have counted for its total to be worth a row written: rows written cost 1,000 times rows read. */
const WORTH_KEEPING = 2_000;

/** Totals kept; the ones counted longest ago go. */
const MAX_KEPT = 10_000;

/** Whether a total should be kept for the next search. */
export const isWorthKeeping = ({ counted }: SearchTotal): boolean => counted >= WORTH_KEEPING;

/**
 * Keeps a search's total. It stays true for ever, as events up to an id do not change within an epoch; so it does not
 * matter that it may come late, twice, or from a replica that lags.
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
