import { ExpiringCache } from "../../http/cache.ts";
import type { IdWindow } from "./windows.ts";

/**
 * Remembers, for a query, where its newest matches were found, so that the next first page starts there and saves a
 * round trip. A hint is checked against the exact total; when rows are missing, the place is looked up again.
 */

/** Milliseconds. A page read from an old place costs more and more rows, because new events arrive. */
const MAX_AGE = 10 * 60_000;
const MAX_HINTS = 2_000;

/** The newest `limit` matches of a series have `created` from `from` on (microseconds) and ids in the windows. */
export interface SeriesHint {
  from: number;
  windows: readonly IdWindow[];
  /** Whether the inverted index is cheaper than the series. */
  byIndex: boolean;
}

const seriesHints = new ExpiringCache<SeriesHint>(MAX_HINTS);
const wideSearches = new ExpiringCache<true>(MAX_HINTS);

/** The hint for a first page, if it is not too old. */
export const seriesHint = (key: string): SeriesHint | undefined => seriesHints.get(key, MAX_AGE, Date.now());

export const keepSeriesHint = (key: string, hint: SeriesHint): void => seriesHints.set(key, hint, Date.now());

/** Whether a page of this search was not where an even spread of its matches would place it. */
export const isWideSearch = (key: string): boolean => wideSearches.get(key, MAX_AGE, Date.now()) !== undefined;

/** Remembers that the matches of a search are not evenly spread. */
export const keepWideSearch = (key: string): void => wideSearches.set(key, true, Date.now());
