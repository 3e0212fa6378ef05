import { sql } from "drizzle-orm";
import { type D1Calls, database, runBatch } from "../../db/client.ts";
import { END } from "./sequence.ts";

/** The number of the newest entry of the log, 0 for an empty log. Reads 2 rows, however long the log is. */
export async function readEnd(binding: D1Calls): Promise<number> {
  const [read] = await runBatch(database(binding), [sql`SELECT ${END} AS "end" FROM commit_watermark`]);
  return Number(read?.results[0]?.end ?? 0);
}
