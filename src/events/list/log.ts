import { type SQL, sql } from "drizzle-orm";
import { numberAt, type Reader, type Row, textAt } from "../../db/reader.ts";
import { LOG } from "../query.ts";
import { VERSION_OF_COUNTERS, type Version } from "../version.ts";

// Raw SQL: common table expressions and UNION ALL of a row of another kind.

/**
 * Rows of the whole log with its total and version, in one statement: to D1 and to the Worker, each statement of a batch
 * costs about as much as a page. `rowsUpTo` gives the statement for at most so many rows, with the columns of
 * `eventColumns`. No rows when the version is `known`.
 */
export async function readLog(
  reader: Reader,
  rowsUpTo: (limit: SQL) => SQL,
  limit: number,
  known: readonly Version[],
): Promise<{ total: number; version: Version; rows: readonly Row[] }> {
  const isKnown = sql`(SELECT version FROM head) IN (SELECT value FROM json_each(${JSON.stringify(known)}))`;
  const wanted = rowsUpTo(known.length === 0 ? sql`${limit}` : sql`iif(${isKnown}, 0, ${limit})`);
  const [[head, ...rows] = []] = await reader.read([
    sql`WITH head AS (
        SELECT coalesce(sum(n), 0) AS total, ${VERSION_OF_COUNTERS} AS version FROM counters WHERE series = ${LOG}
      )
      SELECT total AS id, version AS uuid, 0 AS created, 0 AS type, NULL AS other_type, NULL AS message, NULL AS context,
        0 AS unread FROM head
      UNION ALL SELECT * FROM (${wanted})`,
  ]);
  return { total: numberAt(head, "id"), version: textAt(head, "uuid"), rows };
}
