import { ExpiringCache } from "../../http/cache.ts";

/**
 * Where first pages lay that were not where one looks first. A hint saves the round trip of finding out again, and is
 * never trusted: what it leads to is compared with the exact total, and asked for anew when something is missing.
 */

/** Milliseconds; events come in meanwhile, and a place found long ago takes ever more rows to read. */
const MAX_AGE = 10 * 60_000;
const MAX_HINTS = 2_000;

/** The newest `limit` matches of a series were created from `from` (microseconds) on and have ids from `minId` on. */
export interface SeriesHint {
  from: number;
  minId: number;
  /** Whether the inverted index is the cheaper way. */
  byIndex: boolean;
}

const seriesHints = new ExpiringCache<SeriesHint>(MAX_HINTS);
const wideSearches = new ExpiringCache<true>(MAX_HINTS);

export const seriesHint = (key: string): SeriesHint | undefined => seriesHints.get(key, MAX_AGE, Date.now());

export const keepSeriesHint = (key: string, hint: SeriesHint): void => seriesHints.set(key, hint, Date.now());

/** Whether a page of this search was not in the part of the log where it should lie. */
export const isWideSearch = (key: string): boolean => wideSearches.get(key, MAX_AGE, Date.now()) !== undefined;

export const keepWideSearch = (key: string): void => wideSearches.set(key, true, Date.now());
