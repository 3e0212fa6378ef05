import { type SQL, sql } from "drizzle-orm";
import { integer } from "../db/sql.ts";
import { newVerification, type Verification } from "./verification.ts";

// What an operator may change. The statements run in one transaction, and the last one returns the row of the run, if any.

const RUN = sql`SELECT state FROM mirror_run`;

/** Begins the mirror, or goes on with one that was begun. `anew`: forgets what was read, but no event. `now` in milliseconds. */
export const start = (now: number, anew: boolean): SQL[] => [
  ...(anew ? [sql`DELETE FROM mirror_windows`, sql`DELETE FROM mirror_differences`] : []),
  ...(anew ? [forget(now)] : []),
  sql`INSERT INTO mirror_run (singleton, state, started_at) VALUES (1, 'running', ${integer(now)})
    ON CONFLICT DO UPDATE SET state = 'running', reason = '', sentence = '', failures = 0, resume_at = 0`,
  RUN,
];

/** Everything but the number of the incarnation. Whoever works now loses the lease, and writes nothing more. */
const forget = (now: number): SQL => sql`UPDATE mirror_run SET incarnation = incarnation + 1, upstream = '',
  started_at = ${integer(now)}, history_from = NULL, cursor = NULL, tail_through = 0, total = 0, width = 86400, page = 1,
  seen = 0, requests = 0, skew = 0, verification = NULL, lease = '', lease_until = 0`;

/** Whoever works now writes nothing more. */
export const pause: readonly SQL[] = [
  sql`UPDATE mirror_run SET state = 'paused', reason = '', sentence = '', lease = '', lease_until = 0
    WHERE state <> 'paused'`,
  RUN,
];

/** Goes on after `pause`, or after an operator has corrected what stopped it. */
export const resume: readonly SQL[] = [
  sql`UPDATE mirror_run SET state = 'running', reason = '', sentence = '', failures = 0, resume_at = 0`,
  RUN,
];

/** Asks for a verification. `now` in milliseconds. */
export const verify = (mode: Verification["mode"], now: number): SQL[] => [
  sql`UPDATE mirror_run SET verification = ${JSON.stringify(newVerification(mode, now))}, lease = '', lease_until = 0`,
  RUN,
];
