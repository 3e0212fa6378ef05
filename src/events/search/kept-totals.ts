import { desc, inArray, sql } from "drizzle-orm";
import type { Database } from "../../db/client.ts";
import { runBatch } from "../../db/client.ts";
import { searchTotals } from "../table.ts";
import type { SearchTotal } from "./total.ts";

/**
 * Matches that a request must have counted for its total to be kept: a row written costs as much as 1,000 rows read.
 */
const WORTH_KEEPING = 2_000;

/** The number of kept totals; the oldest are deleted, by one request of many, because it reads them all twice. */
const MAX_KEPT = 10_000;
const DELETED_BY_ONE_OF = 200;

/** Whether a total should be kept for the next search. */
export const isWorthKeeping = ({ counted }: SearchTotal): boolean => counted >= WORTH_KEEPING;

/**
 * Keeps the total of a search. It is valid for ever within its epoch, because events up to an id do not change then;
 * so it may be kept late, twice, or from a replica that lags. 0 ≤ `random` < 1 decides whether old totals are deleted: a
 * client must not be able to tell which requests do it.
 */
export async function keepTotal(
  db: Database,
  key: string,
  { total, uptoId, epoch }: Pick<SearchTotal, "total" | "uptoId" | "epoch">,
  random = Math.random(),
): Promise<void> {
  const { query, epoch: keptEpoch, uptoId: keptUptoId } = searchTotals;
  const newestFirst = [desc(keptEpoch), desc(keptUptoId)];
  const beyond = db
    .select({ query })
    .from(searchTotals)
    .orderBy(...newestFirst)
    .limit(MAX_KEPT)
    .offset(MAX_KEPT);
  await runBatch(db, [
    db
      .insert(searchTotals)
      .values({ query: key, epoch, uptoId, n: total })
      .onConflictDoUpdate({
        target: query,
        set: { epoch: sql`excluded.epoch`, uptoId: sql`excluded.upto_id`, n: sql`excluded.n` },
        setWhere: sql`excluded.epoch > ${keptEpoch} OR (excluded.epoch = ${keptEpoch} AND excluded.upto_id > ${keptUptoId})`,
      }),
    ...(random < 1 / DELETED_BY_ONE_OF ? [db.delete(searchTotals).where(inArray(query, beyond))] : []),
  ]);
}
