import { sql } from "drizzle-orm";
import { numberAt, type Reader, type Row, textAt } from "../db/reader.ts";
import { detailedQuarters, unitsOf } from "./counters/read.ts";
import { type PageRequest, pageOfArray } from "./pagination.ts";
import type { EventQuery, SearchQuery } from "./query.ts";
import type { EventsRequest } from "./request.ts";
import type { Result } from "./respond.ts";
import { indexHits } from "./search/by-index.ts";
import { matchOf, verifyOf } from "./search/match.ts";
import { NO_EVENTS, SEARCH_VERSION, type Version, versionOf } from "./version.ts";

/** The filters of this route; Waldur does not even check the others. */
export const STATS_FILTERS: readonly string[] = ["event_type", "feature", "scope", "related_user_uuid"];

/** A UTC month with events. */
export interface MonthCount {
  year: number;
  month: number;
  count: number;
}

/** The parameters that events-stats reads. */
export const statsParameters = (params: URLSearchParams): URLSearchParams =>
  new URLSearchParams([...params].filter(([name]) => STATS_FILTERS.includes(name)));

/** One page of the months. Throws 404 when there is no such page, and 429 (search/row-budget.ts). */
export async function monthsPage(request: EventsRequest, asked: PageRequest): Promise<Result> {
  const { reader, query, budget } = request;
  const count = () => countMonths(reader, query);
  const { months, version } = await (query.kind === "search" ? budget.pay(reader.meter, count) : count());
  const { page, links } = pageOfArray(months, asked);
  return { version, body: JSON.stringify(page), count: months.length, links };
}

/** Events by UTC month, newest first, without empty months; from the counters. */
async function countMonths(reader: Reader, query: EventQuery): Promise<{ months: MonthCount[]; version: Version }> {
  if (query.kind === "nothing") return { months: [], version: NO_EVENTS };
  const [rows = []] = await reader.read([
    query.kind === "series" ? detailedQuarters(query.series) : monthsOfSearch(query),
  ]);
  const counts = new Map<string, number>();
  for (const { period, matches } of query.kind === "series" ? unitsOf(query, rows) : rows.map(searchedMonth)) {
    counts.set(period.slice(0, 7), (counts.get(period.slice(0, 7)) ?? 0) + matches);
  }
  const months = [...counts]
    .filter(([, count]) => count > 0)
    .sort(([a], [b]) => (a < b ? 1 : -1))
    .map(([month, count]) => ({ year: Number(month.slice(0, 4)), month: Number(month.slice(5)), count }));
  return { months, version: query.kind === "series" ? versionOf(rows) : searchedVersion(rows) };
}

/** Events of two objects at once: no counter has their number, so every match is read. */
const monthsOfSearch = (query: SearchQuery) => {
  const ids = { min: sql`1`, max: sql`(SELECT coalesce(max(id), 0) FROM events)` };
  return sql`SELECT strftime('%Y-%m', floor(events.created / 1e6), 'unixepoch') AS period, count(*) AS n,
      (SELECT ${SEARCH_VERSION} FROM commit_watermark) AS version
    FROM event_index CROSS JOIN events ON events.id = event_index.rowid
    WHERE ${indexHits(matchOf(query), ids, verifyOf(query))} GROUP BY 1`;
};

const searchedMonth = (row: Row) => ({ period: textAt(row, "period"), matches: numberAt(row, "n") });

const searchedVersion = ([first]: readonly Row[]): Version => (first ? textAt(first, "version") : NO_EVENTS);
