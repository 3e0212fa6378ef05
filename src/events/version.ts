import { type SQL, sql } from "drizzle-orm";
import { numberAt, type Row } from "../db/reader.ts";
import type { EventQuery } from "./query.ts";

/**
 * The state of the data behind a response, as text: the number of events, newest id and epoch of a series, or the
 * newest id and epoch of the log for a search. Every write, change and deletion changes it.
 */
export type Version = string;

/** Whether a text has the form of a version: the other texts in ETags are hashes of responses, and `*`. */
export const isVersion = (text: string): boolean => text.includes(".");

/** The number of events in a series of this version. */
export const eventsIn = (version: Version): number => Number.parseInt(version, 10);

/** The highest id in the series, or in the log for a search; events stored later have higher ids. */
export const lastIdOf = (version: Version): number => Number(version.split(".").at(-2));

/** The number of deletions and changes in the whole log, at this version. */
export const epochOf = (version: Version): number => Number(version.split(".").at(-1));

/**
 * Whether data of one version is older than that of another, of the same series or of the log. Also true when one of them is
 * no version of data, and they differ: nobody knows then.
 */
export function isBehind(version: string, seen: string): boolean {
  if (version === seen) return false;
  if (!IS_OF_DATA.test(version) || !IS_OF_DATA.test(seen)) return true;
  const [epoch, seenEpoch] = [epochOf(version), epochOf(seen)];
  return epoch < seenEpoch || (epoch === seenEpoch && lastIdOf(version) < lastIdOf(seen));
}

const IS_OF_DATA = /^\d+\.\d+(\.\d+)?$/;

/** The version of a series without events, and of a query for nothing. */
export const NO_EVENTS: Version = "0.0.0";

/** The number of deletions and changes in the whole log. */
export const EPOCH: SQL = sql`(SELECT epoch FROM commit_watermark)`;

/** The version of a series, as SQL on its counters. */
export const seriesVersion = (series: string): SQL =>
  sql`(SELECT coalesce(sum(n) || '.' || max(last_id) || '.' || ${EPOCH}, ${NO_EVENTS}) FROM counters WHERE series = ${series})`;

/** The version of a series, from its rows of `counters` by quarter, with the epoch in each. */
export function versionOf(quarters: readonly Row[]): Version {
  const [first] = quarters;
  if (first === undefined) return NO_EVENTS;
  const n = quarters.reduce((sum, row) => sum + numberAt(row, "n"), 0);
  const lastId = Math.max(...quarters.map((row) => numberAt(row, "last_id")));
  return `${n}.${lastId}.${numberAt(first, "epoch")}`;
}

/** The version of a search. */
export const searchVersion = ({ uptoId, epoch }: { uptoId: number; epoch: number }): Version => `${uptoId}.${epoch}`;

/** One row, `version`. Reads the counters of a series, or two rows for a search. */
export function versionStatement(query: Exclude<EventQuery, { kind: "nothing" }>): SQL {
  if (query.kind === "series") return sql`SELECT ${seriesVersion(query.series)} AS version`;
  return sql`SELECT coalesce((SELECT max(id) FROM events), 0) || '.' || ${EPOCH} AS version`;
}
