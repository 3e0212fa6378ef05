import { type SQL, sql } from "drizzle-orm";
import type { SearchQuery } from "../query.ts";
import { indexStatement, type SearchSlice, walkStatement } from "./by-index.ts";
import { matchOf, verifyOf } from "./match.ts";
import { planTables } from "./plan.ts";
import { idsDuring, totalTables } from "./total.ts";

// Raw SQL: FTS5's MATCH and common table expressions that the query builder cannot write.

/**
 * The total and a page, in one statement: a row as of `totalStatement`, then events. The page is searched where it lies
 * if matches are spread evenly in time, which reads a few times as many matches as the page has. When they are not, rows
 * are missing, and `wholePageStatement` has to be asked.
 */
export function pageStatement(query: SearchQuery, key: string, slice: SearchSlice, isWide = false): SQL {
  const part = sql`events.created >= (SELECT low FROM part) AND events.created <= (SELECT high FROM part)`;
  const { min, max } = idsDuring(query.range);
  const ids = {
    min: sql`coalesce((SELECT low_id FROM ids), ${min})`,
    max: sql`coalesce((SELECT high_id FROM ids), ${max})`,
  };
  const limit = (walks: boolean) => sql`iif((SELECT walks FROM way) = ${Number(walks)}, ${slice.limit}, 0)`;
  const candidates = candidatesOf(query, slice);
  const byIndex = indexStatement(query.oldestFirst, { ...candidates, ids }, part, limit(false));
  const walked = walkStatement(query.oldestFirst, candidates, part, limit(true));
  return sql`WITH ${totalTables(query, key)}, ${planTables(query, slice, isWide)}
    SELECT n, counted, upto_id, epoch, version, NULL AS id, NULL AS uuid, NULL AS created, NULL AS type, NULL AS other_type,
      NULL AS message, NULL AS context, NULL AS unread FROM total
    UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, * FROM (${byIndex})
    UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, * FROM (${walked})`;
}

/** The same page, wherever its events are in time. Reads two rows for every match of the range. */
export const wholePageStatement = (query: SearchQuery, slice: SearchSlice): SQL =>
  indexStatement(query.oldestFirst, { ...candidatesOf(query, slice), ids: idsDuring(query.range) });

const candidatesOf = (query: SearchQuery, slice: SearchSlice) => ({
  ...slice,
  range: query.range,
  match: matchOf(query),
  verify: verifyOf(query),
});
