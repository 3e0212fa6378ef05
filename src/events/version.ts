import { type SQL, sql } from "drizzle-orm";
import { numberAt, type Row, textAt } from "../db/reader.ts";
import { END } from "./log/sequence.ts";
import type { EventQuery } from "./query.ts";

/**
 * The state of the data behind a response, as text: the number of events and the newest entry of a series, or the newest
 * entry of the log for a search; then the epoch and the incarnation of the log. Every write, change and deletion changes it.
 */
export type Version = string;

/** Whether a text has the form of a version: the other texts in ETags are hashes of responses, and `*`. */
export const isVersion = (text: string): boolean => text.includes(".");

/** The number of events in a series of this version. */
export const eventsIn = (version: Version): number => Number.parseInt(version, 10);

/** The newest entry of the series, or of the log for a search; events stored later have higher ids. */
export const lastIdOf = (version: Version): number => Number(version.split(".").at(-3));

/** The number of deletions in the whole log, at this version. */
export const epochOf = (version: Version): number => Number(version.split(".").at(-2));

/**
 * Whether data of one version is older than that of another, of the same series or of the log. Also true when one of them is
 * no version of data, and they differ: nobody knows then.
 */
export function isBehind(version: string, seen: string): boolean {
  if (version === seen) return false;
  if (!IS_OF_DATA.test(version) || !IS_OF_DATA.test(seen)) return true;
  // A later incarnation has a higher number.
  const ages = [incarnationOf, epochOf, lastIdOf].map((part) => (part(version) ?? 0) - (part(seen) ?? 0));
  return (ages.find((age) => age !== 0) ?? 0) < 0;
}

const IS_OF_DATA = /^\d+\.\d+\.\d+(\.\d+)?$/;

/** The version of a series without events, and of a query for nothing. */
export const NO_EVENTS: Version = "0.0.0";

/** The number of deletions in the whole log. */
export const EPOCH: SQL = sql`(SELECT epoch FROM commit_watermark)`;

/** The epoch and the incarnation of the log, with which every version ends. One row read. */
export const STATE: SQL = sql`(SELECT epoch || '.' || incarnation FROM commit_watermark)`;

/** The incarnation in a version; undefined for NO_EVENTS, which is of all. */
export const incarnationOf = (version: Version): number | undefined =>
  version === NO_EVENTS ? undefined : Number(version.slice(version.lastIndexOf(".") + 1));

/** The version of a series, as SQL in an aggregation of its counters by quarter. */
export const VERSION_OF_COUNTERS: SQL = sql`coalesce(sum(n) || '.' || max(max(last_id, changed_id)) || '.' || ${STATE}, ${NO_EVENTS})`;

/** The version of a series, as SQL. */
export const seriesVersion = (series: string): SQL =>
  sql`(SELECT ${VERSION_OF_COUNTERS} FROM counters WHERE series = ${series})`;

/** The version of a series, from its rows of `counters` by quarter, with `state` in each. */
export function versionOf(quarters: readonly Row[]): Version {
  const [first] = quarters;
  if (first === undefined) return NO_EVENTS;
  const n = quarters.reduce((sum, row) => sum + numberAt(row, "n"), 0);
  const last = Math.max(...quarters.flatMap((row) => [numberAt(row, "last_id"), numberAt(row, "changed_id")]));
  return `${n}.${last}.${textAt(first, "state")}`;
}

/** The version of a search, as SQL on a row of commit_watermark. Two rows read, with that one. */
export const SEARCH_VERSION: SQL = sql`${END} || '.' || epoch || '.' || incarnation`;

/** One row, `version`. Reads the counters of a series, or two rows for a search. */
export function versionStatement(query: Exclude<EventQuery, { kind: "nothing" }>): SQL {
  if (query.kind === "series") return sql`SELECT ${seriesVersion(query.series)} AS version`;
  return sql`SELECT ${SEARCH_VERSION} AS version FROM commit_watermark`;
}
