import { type SQL, sql } from "drizzle-orm";
import { numberAt, type Reader, type Row, textAt } from "../../db/reader.ts";
import { unavailable } from "../../http/errors.ts";
import { epochOf, lastIdOf, type Version } from "../version.ts";

/*
 * Answers of several round trips show one state of the log: new events are left out by their ids. What deletes stored ones in
 * between begins the answer again, and so does what changes those on the page. Other changes are many: each event of a web
 * hook takes Waldur's uuid a little later.
 */

/** Attempts to read one state of the log while events are changed or deleted. */
const MAX_ATTEMPTS = 3;
/** Seconds. */
const RETRY_AFTER = 1;

/** Changes since the version that are looked at. After more of them the answer begins again. */
const MAX_CHANGES = 100;

/** Stored events were changed or deleted between two round trips. */
export class ChangedError extends Error {}

/** Calls a function again that throws ChangedError. Throws 503 when that happens each time. */
export async function ofOneState<T>(read: () => Promise<T>): Promise<T> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof ChangedError)) throw error;
    }
  }
  throw unavailable("Events are being deleted; send the request again.", RETRY_AFTER);
}

/** Reads statements on the state of a version, and one row more. Throws ChangedError when events were deleted since. */
export async function readUnchanged(reader: Reader, version: Version, statements: readonly SQL[]): Promise<Row[][]> {
  const [[row] = [], ...results] = await reader.read([sql`SELECT epoch FROM commit_watermark`, ...statements]);
  if (numberAt(row, "epoch") !== epochOf(version)) throw new ChangedError();
  return results;
}

/**
 * Reads events as they were at a version. Throws ChangedError when events were deleted since, or when one of these took
 * another uuid, or of `earlier`, which were read at the version itself. Reads one row more than the statement, and where any
 * event has changed since, the counters of the series and a row for each change.
 */
export async function readEvents(
  reader: Reader,
  series: string | undefined,
  version: Version,
  statement: SQL,
  earlier: readonly Row[] = [],
): Promise<Row[]> {
  const [[row] = [], rows = []] = await reader.read([changesStatement(series, lastIdOf(version)), statement]);
  if (numberAt(row, "epoch") !== epochOf(version)) throw new ChangedError();
  const changed: number[] = JSON.parse(textAt(row, "changed") || "[]");
  const isChanged = [...rows, ...earlier].some((event) => changed.includes(numberAt(event, "id")));
  if (isChanged || changed.length >= MAX_CHANGES) throw new ChangedError();
  return rows;
}

/** One row: the epoch, and the ids of the events that changed since the entry `last` of a series, or of the log. */
function changesStatement(series: string | undefined, last: number): SQL {
  const ofSeries = sql`(SELECT max(changed_id) FROM counters WHERE series = ${series})`;
  const isAny = sql`last_change > ${last} AND ${series === undefined ? sql`1` : sql`${ofSeries} > ${last}`}`;
  return sql`SELECT epoch, CASE WHEN ${isAny} THEN (SELECT json_group_array(event_id) FROM (
      SELECT event_id FROM log_changes WHERE id > ${last} LIMIT ${MAX_CHANGES}
    )) END AS changed FROM commit_watermark`;
}
