/*
 * Texts with which D1 fails a call. A Worker gets them as the message of an Error with the prefix `D1_ERROR: `.
 */

/**
 * Documented: https://developers.cloudflare.com/d1/observability/debug-d1/, "List of D1_ERRORs". The statements of the call
 * may have run, or not.
 */
export const DOCUMENTED_ERRORS = [
  "D1_ERROR: D1 DB reset because its code was updated.",
  "D1_ERROR: Internal error while starting up D1 DB storage caused object to be reset.",
  "D1_ERROR: Network connection lost.",
  "D1_ERROR: Internal error in D1 DB storage caused object to be reset.",
  "D1_ERROR: Cannot resolve D1 DB due to transient issue on remote node.",
  "D1_ERROR: Can't read from request stream because client disconnected.",
  "D1_ERROR: D1 DB storage operation exceeded timeout which caused object to be reset.",
  "D1_ERROR: D1 DB is overloaded. Requests queued for too long.",
  "D1_ERROR: D1 DB is overloaded. Too many requests queued.",
  "D1_ERROR: D1 DB's isolate exceeded its memory limit and was reset.",
  "D1_ERROR: D1 DB exceeded its CPU time limit and was reset.",
] as const;

/**
 * Not in that list. The first three were seen in production by others (kentcdodds/kody#953); the last two are assumptions:
 * a text that nobody has seen yet, and an error of the runtime.
 */
export const UNKNOWN_ERRORS = [
  "D1_ERROR: internal error; reference = e_PVSMDp_401b622161f54faabff7d3631b379957",
  "D1_ERROR: NOSENTRY database is locked: SQLITE_BUSY",
  "D1_ERROR: Currently processing a long-running export.",
  "D1_ERROR: The colour of the database is wrong.",
  "Failed to parse body as JSON, got: error code: 1101",
] as const;

/**
 * What a database says that takes no more rows: D1's own text for 10 GB
 * (https://github.com/cloudflare/cloudflare-docs/pull/24991), SQLite's, and that of an account without room.
 */
export const FULL_ERRORS = [
  "D1_ERROR: Exceeded maximum DB size.",
  "D1_ERROR: database or disk is full: SQLITE_FULL",
  "D1_ERROR: Your account has exceeded D1's maximum account storage limit, please contact Cloudflare to raise your limit",
] as const;

/** What D1 says of a statement that the schema does not know: of code that is newer, or older, than the migrations. */
export const STATEMENT_ERRORS = [
  "D1_ERROR: no such column: folded: SQLITE_ERROR",
  "D1_ERROR: no such table: events: SQLITE_ERROR",
  "D1_COLUMN_NOTFOUND: Column not found",
] as const;

/** Errors that an event causes, and would cause again. */
export const PERMANENT_ERRORS = [
  "D1_ERROR: UNIQUE constraint failed: events.uuid: SQLITE_CONSTRAINT",
  "D1_ERROR: cannot store TEXT value in INTEGER column events.created: SQLITE_CONSTRAINT_DATATYPE",
  "D1_ERROR: datatype mismatch: SQLITE_MISMATCH",
  "D1_ERROR: string or blob too big: SQLITE_TOOBIG",
  "D1_TYPE_ERROR: Type 'undefined' not supported for value 'undefined'",
] as const;
