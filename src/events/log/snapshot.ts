import { type SQL, sql } from "drizzle-orm";
import { numberAt, type Reader, type Row } from "../../db/reader.ts";
import { unavailable } from "../../http/errors.ts";
import { epochOf, lastIdOf, type Version } from "../version.ts";

/*
 * Answers of several round trips show one state of the log: new events are left out by their ids, and what changes or deletes
 * stored ones in between begins the answer again.
 */

/** Attempts to read one state of the log while events are changed or deleted. */
const MAX_ATTEMPTS = 3;
/** Seconds. */
const RETRY_AFTER = 1;

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

/**
 * Reads statements on the state of a version. Throws ChangedError when events were deleted since, or took another uuid:
 * those of the series, or any for a search. Reads one row more than the statements, and the counters of the series where any
 * event has changed since.
 */
export async function readUnchanged(
  reader: Reader,
  series: string | undefined,
  version: Version,
  statements: readonly SQL[],
): Promise<Row[][]> {
  const last = lastIdOf(version);
  const newest =
    series === undefined
      ? sql`last_change`
      : sql`CASE WHEN last_change > ${last} THEN (SELECT max(changed_id) FROM counters WHERE series = ${series}) ELSE 0 END`;
  const [[row] = [], ...results] = await reader.read([
    sql`SELECT epoch, ${newest} AS changed FROM commit_watermark`,
    ...statements,
  ]);
  if (numberAt(row, "epoch") !== epochOf(version) || numberAt(row, "changed") > last) throw new ChangedError();
  return results;
}
