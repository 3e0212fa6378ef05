import {
  backOff,
  COMPARE_AFTER_MS,
  MAX_BAD_ANSWERS,
  MAX_WIDTH,
  MAX_WINDOW_EVENTS,
  MIN_STEP,
  PAGE_EVENTS,
  ROUNDS_MS,
  UNEQUAL_AGAIN_MS,
} from "./limits.ts";
import { type Mirror, newRequests, settledEnd } from "./mirror.ts";
import { MirrorProblem, SliceOver } from "./problems.ts";
import type { Range } from "./range.ts";
import { pagesOf, type Reading, readRange, TooMany } from "./reading.ts";
import type { Window } from "./rows.ts";

/** Of MAX_WINDOW_EVENTS, as the next window may have more events than the last one. */
const FILLED = 0.9;
/** A window is at most so many times as wide as the one before. */
const GROWTH = 8;
/** Widths are whole days, hours or minutes, where they are longer than that. */
const UNITS = [86_400, 3_600, 60, 1] as const;

/** Learns where the history begins: two requests. */
export async function learnHistory(mirror: Mirror): Promise<void> {
  const months = await mirror.theirs.months();
  const end = settledEnd(mirror);
  const from = Math.min(months[0]?.range.from ?? end, end);
  const total = months.reduce((sum, { count }) => sum + count, 0);
  const learnt = { history_from: from, cursor: from, total };
  await mirror.store.save(learnt, { requests: newRequests(mirror) });
  Object.assign(mirror.run, learnt);
}

/**
 * Reads the next window of what is settled, the oldest first. False when there is none. A window with too many events is
 * made narrower; one whose answers cannot be used is tried again in a later slice, and put aside after MAX_BAD_ANSWERS.
 */
export async function readNext(mirror: Mirror): Promise<boolean> {
  const { run } = mirror;
  const [from, end] = [run.cursor ?? 0, settledEnd(mirror)];
  if (end - from < MIN_STEP) return false;
  const range = { from, to: Math.min(from + run.width, end) };
  try {
    await readWindow(mirror, range);
  } catch (error) {
    if (!(error instanceof MirrorProblem && error.consequence === "bad")) throw error;
    if (run.failures + 1 < MAX_BAD_ANSWERS) throw error;
    await putAside(mirror, range, error);
  }
  return true;
}

async function readWindow(mirror: Mirror, range: Range): Promise<void> {
  const begun = mirror.budget.requests;
  const width = range.to - range.from;
  try {
    if (mirror.run.page > 1) return await readSecond(mirror, range);
    const reading = await readRange(mirror, range);
    await saveRead(mirror, { ...newWindow(mirror, range, reading), requests: mirror.budget.requests - begun }, reading);
    mirror.run.width = nextWidth(width, reading.theirs);
  } catch (error) {
    if (error instanceof TooMany && width === 1) return await readSecond(mirror, range);
    if (error instanceof TooMany) return narrow(mirror, widthFor(width, error.events));
    // A window that does not fit into a whole slice would never be read.
    if (error instanceof SliceOver && begun <= 1) await narrow(mirror, Math.ceil(width / 2));
    throw error;
  }
}

/** Always narrower than before: `events` may be what was counted before a page was too large. */
async function narrow({ store, run }: Mirror, width: number): Promise<void> {
  run.width = Math.max(1, Math.min(width, Math.ceil(run.width / 2)));
  await store.save({ width: run.width });
}

const nextWidth = (width: number, events: number): number =>
  events === 0 ? Math.min(width * GROWTH, MAX_WIDTH) : widthFor(width, events);

/** The width in which so many events as a window has would lie, in whole units. */
function widthFor(width: number, events: number): number {
  const wanted = Math.min((width * MAX_WINDOW_EVENTS * FILLED) / events, width * GROWTH, MAX_WIDTH);
  const unit = UNITS.find((one) => one <= wanted) ?? 1;
  return Math.max(1, Math.floor(wanted / unit) * unit);
}

const newWindow = (
  { now }: Mirror,
  { from, to }: Range,
  { theirs, ours, digest }: Pick<Reading, "theirs" | "ours" | "digest">,
): Window => ({
  ...{ from_s: from, to_s: to, state: "read", theirs, ours, digest, requests: 0, tries: 0, rounds: 0 },
  ...{ read_at: now(), next_at: now() + COMPARE_AFTER_MS, sentence: "" },
});

/** The events are in the queue, so the cursor may go on. */
async function saveRead(mirror: Mirror, window: Window, { sent, differences, theirs }: Reading): Promise<void> {
  const isEqual = sent.length === 0 && differences.length === 0;
  const outcome: Window = isEqual
    ? { ...window, state: "equal", next_at: window.read_at + (ROUNDS_MS[0] ?? 0) }
    : window;
  await advance(mirror, outcome, theirs);
}

async function advance(mirror: Mirror, window: Window, seen: number): Promise<void> {
  const width = nextWidth(window.to_s - window.from_s, seen);
  const changes = { cursor: window.to_s, width, page: 1, failures: 0, reason: "", sentence: "" };
  await mirror.store.saveWindow(window, changes, { seen, requests: newRequests(mirror) });
  Object.assign(mirror.run, changes);
}

/**
 * A second with more events than fit into memory: its pages are sent one by one, and the slice may end after any. Only its
 * counts are compared.
 */
async function readSecond(mirror: Mirror, range: Range): Promise<void> {
  let theirs = 0;
  for await (const { page, total, events } of pagesOf(mirror.theirs, range, PAGE_EVENTS, mirror.run.page)) {
    await mirror.send(events);
    mirror.run.page = page + 1;
    theirs = total;
    if (page * PAGE_EVENTS < total) await mirror.store.save({ page: page + 1 }, { requests: newRequests(mirror) });
  }
  await advance(mirror, newWindow(mirror, range, { theirs, ours: 0, digest: "" }), theirs);
}

async function putAside(mirror: Mirror, range: Range, problem: MirrorProblem): Promise<void> {
  const next_at = mirror.now() + UNEQUAL_AGAIN_MS + backOff(MAX_BAD_ANSWERS, mirror.random());
  const window = newWindow(mirror, range, { theirs: 0, ours: 0, digest: "" });
  await advance(mirror, { ...window, state: "failed", next_at, sentence: problem.message }, 0);
}
