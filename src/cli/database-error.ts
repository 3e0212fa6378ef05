import { Failure } from "./failure.ts";

/** What to do about a database without tables. */
export const APPLY_MIGRATIONS =
  "Apply the migrations: npm start applies them to the local database, npm run deploy to the deployed one.";

/** A Failure with the text of SQLite's error, and what to do about it where that is known. */
export function databaseFailure(text: string): Failure {
  const advice = text.startsWith("no such table") ? `. ${APPLY_MIGRATIONS}` : "";
  return new Failure(`The database returned an error: ${text}${advice}`);
}
