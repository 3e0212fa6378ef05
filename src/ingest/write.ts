import { StatementBudgetError } from "../db/budget.ts";
import { type D1Calls, type Database, database } from "../db/client.ts";
import { type Failing, failingOf } from "../db/errors.ts";
import { type Conflict, conflictKey, withContent } from "../events/event.ts";
import type { Evictions } from "../events/write/identity.ts";
import { recordEvents } from "../events/write/record.ts";
import { spareUuid, substituteUuid } from "./identity.ts";
import { countDelivered, type Delivered } from "./statistics/delivered.ts";

/** Times that an event is written again because its uuid belongs to an event of another producer. */
const MAX_CONTESTS = 3;

/** Why a delivered event was not written. `isTransient`: a later try may succeed. */
export interface Failure {
  reason: "database" | "full" | "statement" | "refused" | "conflict";
  isTransient: boolean;
  detail: string;
}

const REASONS = { permanent: "refused", full: "full", statement: "statement", transient: "database" } as const;

/** The outcome of a transaction, with a failure for each event that is not stored. */
export interface Written<T extends Delivered> {
  failures: Map<T, Failure>;
  /** The failure for now after which nothing more was tried. */
  halted?: Failure;
  stored: number;
  /** The number of the newest entry of the log that was written; 0 for none. */
  end: number;
  duplicates: number;
  rowsWritten: number;
}

/** An event to be written, and the delivery that it came with. */
interface Item<T> extends Delivered {
  delivery: T;
}

interface Run<T extends Delivered> {
  db: Database;
  now: number;
  through: number;
  written: Written<T>;
}

/**
 * Writes the events of one transaction. When it fails for good, it is tried again in halves, down to the one event that
 * causes the failure. When it fails for now, it is left for later as a whole. `now` in microseconds; `through`:
 * up to when the log is complete (watermark/through.ts), microseconds.
 */
export async function writeEvents<T extends Delivered>(
  binding: D1Calls,
  delivered: readonly T[],
  now: number,
  through = 0,
): Promise<Written<T>> {
  const written: Written<T> = { failures: new Map(), stored: 0, end: 0, duplicates: 0, rowsWritten: 0 };
  const items = delivered.map((delivery) => ({ ...delivery, sent: delivery.event, delivery }));
  await write({ db: database(binding), now, through, written }, items);
  return written;
}

/** What is known about the uuids of events that are written again. */
interface Contest {
  evictions: Evictions;
  /** How often the events have been written. */
  tries: number;
}

const NO_CONTEST: Contest = { evictions: new Map(), tries: 0 };

/** Events of one uuid from different producers are written one after the other, each in a transaction of its own. */
async function write<T extends Delivered>(run: Run<T>, items: readonly Item<T>[], contest = NO_CONTEST): Promise<void> {
  const firsts = new Map([...items].reverse().map(({ event }) => [event.uuid, senderKey(event)]));
  const isFirst = ({ event }: Item<T>) => firsts.get(event.uuid) === senderKey(event);
  const later = items.filter((item) => !isFirst(item));
  await writeTogether(run, items.filter(isFirst), contest);
  if (later.length > 0) await write(run, later, contest);
}

const senderKey = ({ producer, isUpstream = false }: Delivered["event"]): string => `${producer} ${isUpstream}`;

async function writeTogether<T extends Delivered>(
  run: Run<T>,
  items: readonly Item<T>[],
  contest: Contest,
): Promise<void> {
  const { halted } = run.written;
  if (halted) return fail(run, items, halted);
  try {
    await writeAll(run, items, contest);
  } catch (error) {
    const failure = failureOf(error);
    if (failure.isTransient) run.written.halted = failure;
    if (failure.isTransient || items.length === 1) return fail(run, items, failure);
    const middle = Math.ceil(items.length / 2);
    await writeTogether(run, items.slice(0, middle), contest);
    await writeTogether(run, items.slice(middle), contest);
  }
}

async function writeAll<T extends Delivered>(run: Run<T>, items: readonly Item<T>[], contest: Contest): Promise<void> {
  const conflicts = await record(run, items, contest.evictions);
  const passed = passedOver(items, conflicts);
  run.written.duplicates -= passed.length;
  if (passed.length > 0) await write(run, passed, contest);
  const foreign = contest.tries < MAX_CONTESTS ? conflicts.filter(isForeign) : [];
  if (foreign.length > 0) await writeContested(run, foreign, contest.tries + 1);
  for (const [item, conflict] of conflicts.filter((one) => !foreign.includes(one))) {
    fail(run, [item], conflictFailure(conflict));
  }
}

function fail<T extends Delivered>({ written }: Run<T>, items: readonly Item<T>[], failure: Failure): void {
  for (const { delivery } of items) written.failures.set(delivery, failure);
}

/** An event that was not written, and the event that has its uuid. */
type Contested<T> = [item: Item<T>, conflict: Conflict];

/**
 * Events that were not written because an event before them has their uuid, although that one is stored under another: it
 * is an event of upstream.
 */
function passedOver<T extends Delivered>(items: readonly Item<T>[], conflicts: readonly Contested<T>[]): Item<T>[] {
  const conflicting = new Set(conflicts.map(([item]) => item));
  const firsts = new Set(ofFirsts(items));
  return items.filter((item) => !conflicting.has(item) && !firsts.has(item));
}

/** The events that are the same as the first event of their uuid, with this one. */
function ofFirsts<T extends Delivered>(items: readonly Item<T>[]): Item<T>[] {
  const firsts = new Map([...items].reverse().map(({ event }) => [event.uuid, withContent(event).content]));
  return items.filter(({ event }) => firsts.get(event.uuid) === withContent(event).content);
}

/** Whether the uuid belongs to another producer: the one that sent the event, or upstream, which named it. */
const isForeign = ([{ event }, { producer, isUpstream }]: Contested<Delivered>): boolean =>
  producer !== event.producer || (isUpstream && !event.isUpstream);

async function record<T extends Delivered>(
  { db, now, through, written }: Run<T>,
  items: readonly Item<T>[],
  evictions: Evictions,
): Promise<Contested<T>[]> {
  const events = items.map(({ event }) => event);
  // Any other event is a conflict, which is not counted here, or is passed over and written again.
  const alongside = countDelivered(ofFirsts(items), now);
  const report = await recordEvents(db, events, { alongside, evictions, through });
  written.stored += report.events;
  written.end = Math.max(written.end, report.end);
  written.duplicates += report.duplicates;
  written.rowsWritten += report.rowsWritten;
  for (const move of report.moves) console.warn(JSON.stringify({ level: "warn", event: "object_moved", ...move }));
  const conflicts = new Map(report.conflicts.map((conflict) => [conflictKey(conflict), conflict]));
  return items.flatMap((item): Contested<T>[] => {
    const conflict = conflicts.get(conflictKey(withContent(item.event)));
    return conflict ? [[item, conflict]] : [];
  });
}

/**
 * Writes events whose uuids belong to events of other producers, so that no producer stands in another's way: the stored
 * event gives its uuid up to upstream, and any other event gets a substitute.
 */
async function writeContested<T extends Delivered>(
  run: Run<T>,
  contested: readonly Contested<T>[],
  tries: number,
): Promise<void> {
  const evictions = new Map<string, string[]>();
  const items: Item<T>[] = [];
  for (const [item, conflict] of contested) {
    const { uuid, producer, isUpstream } = item.event;
    if (isUpstream && !conflict.isUpstream) {
      evictions.set(uuid, [
        await substituteUuid(conflict.producer, uuid),
        await spareUuid(conflict.producer, uuid, conflict.stored),
      ]);
      items.push(item);
    } else {
      const event = { ...item.event, ...withContent(item.event), uuid: await substituteUuid(producer, uuid) };
      items.push({ ...item, event });
    }
  }
  await write(run, items, { evictions, tries });
}

function conflictFailure({ uuid, content, stored }: Conflict): Failure {
  const detail = `${uuid} is the id of an event with the content ${stored}; this one has ${content}.`;
  return { reason: "conflict", isTransient: false, detail };
}

function failureOf(error: unknown): Failure {
  const failing: Failing = error instanceof StatementBudgetError ? "transient" : failingOf(error);
  return { reason: REASONS[failing], isTransient: failing !== "permanent", detail: describe(error) };
}

const describe = (error: unknown): string => {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return String(cause);
};
