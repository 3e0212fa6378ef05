import { ExpiringCache } from "../../http/cache.ts";
import { type Key, type Part, parseKeys } from "../search/keys.ts";
import type { Matches } from "../search/read.ts";
import { incarnationOf } from "../version.ts";
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
const denseSearches = new ExpiringCache<true>(MAX_HINTS);
const searchPages = new ExpiringCache<readonly number[]>(MAX_HINTS);

/** Parts of kept matches, of 2,500 each: some megabytes. */
const MAX_PARTS = 100;
const parts = new ExpiringCache<readonly Key[]>(MAX_PARTS);

/** The hint for a first page, if it is not too old. */
export const seriesHint = (key: string): SeriesHint | undefined => seriesHints.get(key, MAX_AGE, Date.now());

export const keepSeriesHint = (key: string, hint: SeriesHint): void => seriesHints.set(key, hint, Date.now());

/** Whether a page of this search was found within a few events of the log. */
export const isDenseSearch = (key: string): boolean => denseSearches.get(key, MAX_AGE, Date.now()) !== undefined;

export const keepDenseSearch = (key: string): void => denseSearches.set(key, true, Date.now());

/** Forgets it: all its matches are known now, and a page needs no walk. */
export const dropDenseSearch = (key: string): void => denseSearches.delete(key);

/** The ids that a page of a search had. */
export const searchPage = (key: string): readonly number[] | undefined => searchPages.get(key, MAX_AGE, Date.now());

export const keepSearchPage = (key: string, ids: readonly number[]): void => searchPages.set(key, ids, Date.now());

/** Names the content of a part of a search, which `key` names. */
export const partName = (
  key: string,
  { epoch, version }: Pick<Matches, "epoch" | "version">,
  { uptoId, part, n, firstId, lastId, lastCreated }: Part,
): string => [key, incarnationOf(version), epoch, uptoId, part, n, firstId, lastId, lastCreated].join(" ");

/** The matches of a part, if they were read. They never change within an epoch. */
export const keptPart = (name: string, { text }: Part): readonly Key[] | undefined =>
  text === undefined ? parts.get(name, MAX_AGE, Date.now()) : parseKeys(text);

export const keepPart = (name: string, keys: readonly Key[]): void => parts.set(name, keys, Date.now());
