import { StatementBudgetError, withStatementBudget } from "../db/budget.ts";
import { type Database, database } from "../db/client.ts";
import { isTransient } from "../db/errors.ts";
import { type Conflict, conflictKey, type NewEvent, withContent } from "../events/event.ts";
import { recordEvents } from "../events/write/record.ts";
import { countDelivered, type Delivered } from "./statistics/delivered.ts";

/** Events in one transaction: at most a second of D1, and one parameter for countDelivered. */
const MAX_EVENTS_IN_TRANSACTION = 5_000;

/** Why a delivered event was not written. `isTransient`: a later try may succeed. */
export interface Failure {
  reason: "database" | "refused" | "conflict";
  isTransient: boolean;
  detail: string;
}

/** The outcome of a queue batch, with a failure for each event that is not stored. */
export interface Written<T extends Delivered> {
  failures: Map<T, Failure>;
  stored: number;
  duplicates: number;
  rowsWritten: number;
}

/**
 * Writes events in transactions. A transaction that fails for good is tried again in halves, down to the one event that
 * causes the failure; one that fails for now is left for later as a whole. `now` in microseconds.
 */
export async function writeEvents<T extends Delivered>(
  binding: D1Database,
  delivered: readonly T[],
  now: number,
): Promise<Written<T>> {
  const db = database(withStatementBudget(binding));
  const written: Written<T> = { failures: new Map(), stored: 0, duplicates: 0, rowsWritten: 0 };
  for (let start = 0; start < delivered.length; start += MAX_EVENTS_IN_TRANSACTION) {
    await write(db, delivered.slice(start, start + MAX_EVENTS_IN_TRANSACTION), now, written);
  }
  return written;
}

async function write<T extends Delivered>(
  db: Database,
  delivered: readonly T[],
  now: number,
  written: Written<T>,
): Promise<void> {
  try {
    const events = delivered.map(({ event }) => event);
    const report = await recordEvents(db, events, [countDelivered(delivered, now)]);
    written.stored += report.events;
    written.duplicates += report.duplicates;
    written.rowsWritten += report.rowsWritten;
    if (report.conflicts.length > 0) addConflicts(delivered, report.conflicts, written);
  } catch (error) {
    if (delivered.length > 1 && !isWorthWaiting(error)) {
      const middle = Math.ceil(delivered.length / 2);
      await write(db, delivered.slice(0, middle), now, written);
      await write(db, delivered.slice(middle), now, written);
      return;
    }
    const isTransient = isWorthWaiting(error);
    const failure: Failure = { reason: isTransient ? "database" : "refused", isTransient, detail: describe(error) };
    for (const one of delivered) written.failures.set(one, failure);
  }
}

function addConflicts<T extends Delivered>(
  delivered: readonly T[],
  conflicts: readonly Conflict[],
  written: Written<T>,
) {
  const byKey = new Map(conflicts.map((conflict) => [conflictKey(conflict), conflict]));
  for (const one of delivered) {
    const conflict = byKey.get(keyOf(one.event));
    if (conflict === undefined) continue;
    const detail = `${conflict.uuid} is the id of an event with the content ${conflict.stored}; this one has ${conflict.content}.`;
    written.failures.set(one, { reason: "conflict", isTransient: false, detail });
  }
}

const keyOf = (event: NewEvent): string => conflictKey(withContent(event));

const isWorthWaiting = (error: unknown): boolean => error instanceof StatementBudgetError || isTransient(error);

const describe = (error: unknown): string => {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return String(cause);
};
