import { Failure } from "./failure.ts";

/** What to do about a database without tables. */
export const APPLY_MIGRATIONS =
  "Apply the migrations: npm start applies them to the local database, npm run deploy to the deployed one.";

/** What to do about a database that has a part of a backup: commit_watermark has another name there. */
export const UNFINISHED_RESTORE =
  "A restore of this database has not ended. To go on, run it again: npm run admin -- restore FILE";

/** A Failure with the text of SQLite's error, and what to do about it where that is known. */
export function databaseFailure(text: string): Failure {
  const advice = text.startsWith("no such table") ? `. ${APPLY_MIGRATIONS}` : "";
  const other = /^no such table: (main\.)?commit_watermark/.test(text)
    ? ` If it has migrations: ${UNFINISHED_RESTORE}`
    : "";
  return new Failure(`The database returned an error: ${text}${advice}${other}`);
}
