import type { SearchQuery } from "../query.ts";

/** A search that is not counted to its end. */
export interface Unfinished {
  query: SearchQuery;
  /** Whether its matches are kept, or their number only. */
  lists: boolean;
}

/** As search_totals.unfinished has it. JSON has no infinity, so an unbounded end of the range is null. */
export const printUnfinished = (query: SearchQuery, lists: boolean): string => JSON.stringify({ query, lists });

/** Reads search_totals.unfinished. */
export function parseUnfinished(text: string): Unfinished {
  const { query, lists }: { query: SearchQuery; lists: boolean } = JSON.parse(text);
  const { from, to }: { from: number | null; to: number | null } = query.range;
  return { query: { ...query, range: { from: from ?? -Infinity, to: to ?? Infinity } }, lists };
}
