import type { Clock } from "../cloud/clock.ts";
import type { CloudDatabase } from "../cloud/d1.ts";
import { DOCUMENTED_ERRORS, FULL_ERRORS, STATEMENT_ERRORS, UNKNOWN_ERRORS } from "../cloud/d1-errors.ts";

/** Every so manieth call fails before it is run, or is run and then fails: the answer is lost. */
const FAILS_EVERY = 3;
const LOST_EVERY = 7;
/** Seconds: in each period, the database is away, full, and without a migration, from here to there. */
const PERIOD = 400;
const AWAY = [20, 80] as const;
const FULL = [120, 180] as const;
const OLD = [220, 240] as const;

const FOR_NOW = [...DOCUMENTED_ERRORS, ...UNKNOWN_ERRORS];

/** The errors of a database, until it is `calm`; `counts` tells how often each was thrown. */
export function databaseFaults(clock: Clock, isCalm: () => boolean) {
  const counts = new Map<string, number>();
  let [calls, answers, thrown] = [0, 0, 0];
  const next = (errors: readonly string[]) => {
    const error = errors[thrown % errors.length] ?? "";
    thrown += 1;
    counts.set(error, (counts.get(error) ?? 0) + 1);
    return error;
  };
  const isIn = ([from, until]: readonly [number, number]) => {
    const second = clock.now % PERIOD;
    return second >= from && second < until;
  };
  const faults: CloudDatabase = {
    failsBefore: () => {
      if (isCalm()) return undefined;
      calls += 1;
      if (isIn(FULL)) return next(FULL_ERRORS);
      if (isIn(OLD)) return next(STATEMENT_ERRORS);
      return isIn(AWAY) || calls % FAILS_EVERY === 0 ? next(FOR_NOW) : undefined;
    },
    failsAfter: () => {
      answers += 1;
      if (isCalm()) return undefined;
      return answers % LOST_EVERY === 0 ? next(FOR_NOW) : undefined;
    },
  };
  return { faults, counts };
}
