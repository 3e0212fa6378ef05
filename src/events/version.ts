import { type SQL, sql } from "drizzle-orm";
import { numberAt, type Row } from "../db/reader.ts";
import type { EventQuery } from "./query.ts";

/**
 * The state of the data an answer depends on, as text: a series's events, newest id and epoch (whatever is written, changed or
 * deleted in it changes them), or for a search the log's newest id and epoch.
 */
export type Version = string;

export const NO_EVENTS: Version = "0.0.0";

/** Counts what was deleted or changed, in the whole log. */
export const EPOCH: SQL = sql`(SELECT epoch FROM commit_watermark)`;

/** SQL for the version of a series, from its counters. */
export const seriesVersion = (series: string): SQL =>
  sql`(SELECT coalesce(sum(n) || '.' || max(last_id) || '.' || ${EPOCH}, ${NO_EVENTS}) FROM counters WHERE series = ${series})`;

/** The same from a series's rows of `counters`, by quarter, with the epoch in each. */
export function versionOf(quarters: readonly Row[]): Version {
  const [first] = quarters;
  if (first === undefined) return NO_EVENTS;
  const n = quarters.reduce((sum, row) => sum + numberAt(row, "n"), 0);
  const lastId = Math.max(...quarters.map((row) => numberAt(row, "last_id")));
  return `${n}.${lastId}.${numberAt(first, "epoch")}`;
}

export const searchVersion = ({ uptoId, epoch }: { uptoId: number; epoch: number }): Version => `${uptoId}.${epoch}`;

/** One row, `version`: cheap to ask before an answer is worked out. */
export function versionStatement(query: Exclude<EventQuery, { kind: "nothing" }>): SQL {
  if (query.kind === "series") return sql`SELECT ${seriesVersion(query.series)} AS version`;
  return sql`SELECT coalesce((SELECT max(id) FROM events), 0) || '.' || ${EPOCH} AS version`;
}
