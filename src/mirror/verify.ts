import { COMPARE_AFTER_MS, MAX_WINDOW_EVENTS, PAGE_EVENTS } from "./limits.ts";
import { type Mirror, newRequests, settledEnd } from "./mirror.ts";
import { MirrorProblem } from "./problems.ts";
import { monthsOf, type Range } from "./range.ts";
import { type Reading, readRange, type Sides, TooMany } from "./reading.ts";
import { type Task, type Verification, verificationIn } from "./verification.ts";

/** Events above which a range of a verification by digests is too large: one page more than ours has. */
const MAX_EVENTS = MAX_WINDOW_EVENTS + PAGE_EVENTS;

/**
 * One step of a search for differences. By counts: the months by `events-stats`, one request; where they differ, the halves
 * of a range are counted until a page has all of it, and that is read. By digests: everything is read, in ranges that we
 * choose so that they fill their pages. `end`: seconds, what is settled. Returns what was read.
 */
export async function searchStep(
  sides: Sides,
  search: Verification,
  end: number,
): Promise<{ range: Range; reading: Reading } | undefined> {
  if (search.stack === null) {
    search.stack = await months(sides, search.mode, end);
    return undefined;
  }
  const task = search.stack.pop();
  if (task === undefined) return undefined;
  return search.mode === "counts" ? byCounts(sides, search.stack, task) : byDigests(sides, search, task);
}

/** The months as tasks, the oldest last. Those whose counts agree are left out where counts are compared. */
async function months(sides: Sides, mode: Verification["mode"], end: number): Promise<Task[]> {
  const theirs = new Map((await sides.theirs.months()).map(({ range, count }) => [range.from, { range, count }]));
  const bounds = await sides.ours.bounds();
  const ours = bounds === undefined ? [] : monthsOf(bounds);
  const all = new Map([...[...theirs.values()].map(({ range }) => range), ...ours].map((range) => [range.from, range]));
  const tasks: Task[] = [];
  for (const { from, to } of [...all.values()].sort((a, b) => b.from - a.from)) {
    if (from >= end) continue;
    const task = { from, to: Math.min(to, end), theirs: to > end ? null : (theirs.get(from)?.count ?? 0), ours: null };
    const counted = { ...task, ours: mode === "counts" ? await sides.ours.count(task) : null };
    if (mode === "digests" || counted.theirs !== counted.ours) tasks.push(counted);
  }
  return tasks;
}

async function byCounts(sides: Sides, stack: Task[], task: Task) {
  const theirs = task.theirs ?? (await sides.theirs.count(task));
  const ours = task.ours ?? (await sides.ours.count(task));
  if (theirs === ours) return undefined;
  if (theirs <= PAGE_EVENTS && ours <= MAX_WINDOW_EVENTS) return read(sides, task);
  if (task.to - task.from === 1) return readSecond(sides, task);
  const [left, right] = halves(task);
  const counted = { theirs: await sides.theirs.count(left), ours: await sides.ours.count(left) };
  stack.push({ ...right, theirs: theirs - counted.theirs, ours: ours - counted.ours }, { ...left, ...counted });
  return undefined;
}

const read = async (sides: Sides, range: Range) => ({ range, reading: await readRange(sides, range, MAX_EVENTS) });

/** A second that has more than fits into memory can be counted only. */
async function readSecond(sides: Sides, range: Range) {
  try {
    return await read(sides, range);
  } catch (error) {
    if (error instanceof TooMany) return undefined;
    throw error;
  }
}

async function byDigests(sides: Sides, search: Verification, { from, to }: Task) {
  const stack = search.stack ?? [];
  const cut = (await sides.ours.secondOfNth({ from, to }, MAX_WINDOW_EVENTS)) ?? to;
  const range = { from, to: Math.max(cut, from + 1) };
  if (range.to < to) stack.push(uncounted({ from: range.to, to }));
  try {
    return await read(sides, range);
  } catch (error) {
    if (!(error instanceof TooMany)) throw error;
    if (range.to - range.from === 1) search.counted += 1;
    else stack.push(...halves(range).reverse().map(uncounted));
    return undefined;
  }
}

const uncounted = ({ from, to }: Range): Task => ({ from, to, theirs: null, ours: null });

function halves({ from, to }: Range): [left: Range, right: Range] {
  const middle = from + Math.ceil((to - from) / 2);
  return [
    { from, to: middle },
    { from: middle, to },
  ];
}

/**
 * The next step of what `mirror verify` has asked for. False when there is none. What it finds is reported, what we lack is
 * fetched, and the windows that it touches are compared again.
 */
export async function verifyStep(mirror: Mirror): Promise<boolean> {
  const { store, run } = mirror;
  const search = verificationIn(run.verification);
  if (search === undefined || search.done_at !== null) return false;
  const begun = mirror.budget.requests;
  const found = await stepOf(mirror, search);
  if (found !== undefined) await report(mirror, search, found);
  search.requests += mirror.budget.requests - begun;
  if (search.stack?.length === 0) search.done_at = mirror.now();
  run.verification = JSON.stringify(search);
  await store.save({ verification: run.verification }, { requests: newRequests(mirror) });
  return true;
}

/** A range whose answers cannot be used is counted, and the search goes on; the months have to be known. */
async function stepOf(mirror: Mirror, search: Verification) {
  const isBegun = search.stack !== null;
  try {
    return await searchStep(mirror, search, settledEnd(mirror));
  } catch (error) {
    if (!isBegun || !(error instanceof MirrorProblem && error.consequence === "bad")) throw error;
    search.unread += 1;
    return undefined;
  }
}

async function report(
  { store, now }: Mirror,
  search: Verification,
  { range, reading }: { range: Range; reading: Reading },
): Promise<void> {
  const differences = [...reading.differences, ...reading.sent];
  search.found += differences.length;
  await store.saveDifferences(range, differences, now());
  if (differences.length > 0) await store.recompare(range, now() + COMPARE_AFTER_MS);
}
