import { countStatements, sumCounts } from "./counters/read.ts";
import { ofOneState } from "./log/snapshot.ts";
import type { EventsRequest } from "./request.ts";
import type { Result } from "./respond.ts";
import { readMatches } from "./search/read.ts";
import { NO_EVENTS, type Version } from "./version.ts";

/** The number of events of a request: exact, but for a search with more matches than one request may count. */
export async function countEvents(request: EventsRequest): Promise<Result> {
  const { total, version, isExact } = await totalOf(request);
  return { version, body: JSON.stringify({ count: total }), count: total, isExact };
}

/** From the counters or, for a search, from the index. */
async function totalOf(request: EventsRequest): Promise<{ total: number; version: Version; isExact?: boolean }> {
  const { reader, query, searchKey, later, budget } = request;
  if (query.kind === "nothing") return { total: 0, version: NO_EVENTS };
  if (query.kind === "series") return sumCounts(query, await reader.read(countStatements(query)));
  const search = { reader, query, key: searchKey, later, budget };
  const { matches } = await ofOneState(() => readMatches(search, "count"));
  return { total: matches.total, version: matches.version, isExact: matches.isExact };
}
