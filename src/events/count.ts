import type { Reader } from "../db/reader.ts";
import { countStatements, sumCounts } from "./counters/read.ts";
import type { EventQuery } from "./query.ts";
import type { EventsRequest } from "./request.ts";
import type { Result } from "./respond.ts";
import { readTotal, type SearchTotal, totalStatement } from "./search/total.ts";
import { NO_EVENTS, type Version } from "./version.ts";

/** The exact number of events of a request. */
export async function countEvents({ reader, query, digest }: EventsRequest): Promise<Result> {
  const { total, version, searched } = await totalOf(reader, query, digest);
  return { version, body: JSON.stringify({ count: total }), count: total, searched };
}

/** From the counters or, for a search, from the index. `key` names the search. */
async function totalOf(
  reader: Reader,
  query: EventQuery,
  key: string,
): Promise<{ total: number; version: Version; searched?: SearchTotal }> {
  if (query.kind === "nothing") return { total: 0, version: NO_EVENTS };
  if (query.kind === "series") return sumCounts(query, await reader.read(countStatements(query)));
  const [[row] = []] = await reader.read([totalStatement(query, key)]);
  const searched = readTotal(row);
  return { total: searched.total, version: searched.version, searched };
}
