import { backOff, COMPARE_AFTER_MS, MAX_TRIES, ROUNDS_MS, UNEQUAL_AGAIN_MS } from "./limits.ts";
import { type Mirror, newRequests } from "./mirror.ts";
import { MirrorProblem } from "./problems.ts";
import type { Range } from "./range.ts";
import { ourDigest, type Reading, readRange, TooMany } from "./reading.ts";
import type { Window } from "./rows.ts";

/** Windows that one step compares. */
const WINDOWS_A_STEP = 10;

type Outcome = Pick<Window, "state" | "sentence"> & Partial<Window>;

/** Compares windows that are due. False when none is. */
export async function compareDue(mirror: Mirror): Promise<boolean> {
  const windows = await mirror.store.due(mirror.now(), WINDOWS_A_STEP);
  for (const window of windows) await compareWindow(mirror, window);
  return windows.length > 0;
}

async function compareWindow(mirror: Mirror, window: Window): Promise<void> {
  const begun = mirror.budget.requests;
  const outcome = await outcomeOf(mirror, window);
  const requests = window.requests + mirror.budget.requests - begun;
  await mirror.store.saveWindow({ ...window, ...outcome, requests }, {}, { requests: newRequests(mirror) });
}

/** An answer that cannot be used leaves a window as it is, to be compared later. */
async function outcomeOf(mirror: Mirror, window: Window): Promise<Outcome> {
  try {
    return await compared(mirror, window);
  } catch (error) {
    if (!(error instanceof MirrorProblem && error.consequence === "bad")) throw error;
    const tries = window.tries + 1;
    const next_at = mirror.now() + backOff(tries, mirror.random());
    return { state: window.state, tries, next_at, sentence: error.message };
  }
}

/**
 * First our own events with what is known of Waldur's, which costs no request. Where that agrees, a window that is compared
 * again is counted by Waldur, and the last time it is read anew. Where it does not, the queue gets time, and then the window
 * is read anew.
 */
async function compared(mirror: Mirror, window: Window): Promise<Outcome> {
  const range = rangeOf(window);
  const own = await ourDigest(mirror.ours, range);
  const known = { ...window, ours: own.count };
  const agrees = own.count === window.theirs && [own.digest, ""].includes(window.digest);
  if (window.state === "failed") return readAnew(mirror, known, range);
  if (window.state === "read" && agrees) return settled(known, mirror.now());
  if (window.state === "read" && window.tries === 0) return wait(known, mirror.now());
  const isLast = window.rounds + 1 >= ROUNDS_MS.length;
  if (agrees && !isLast && (await mirror.theirs.count(range)) === window.theirs) return settled(known, mirror.now());
  return readAnew(mirror, known, range);
}

async function readAnew(mirror: Mirror, window: Window, range: Range): Promise<Outcome> {
  try {
    const reading = await readRange(mirror, range);
    await mirror.store.saveDifferences(range, [...reading.differences, ...reading.sent], mirror.now());
    return afterReading(mirror, window, reading);
  } catch (error) {
    if (!(error instanceof TooMany)) throw error;
    return counted(window, await mirror.theirs.count(range), mirror.now());
  }
}

function afterReading(mirror: Mirror, window: Window, reading: Reading): Outcome {
  const { theirs, ours, digest, sent, differences } = reading;
  const read = { ...window, theirs, ours, digest };
  if (sent.length === 0 && differences.length === 0) return settled(read, mirror.now());
  if (sent.length > 0 && window.tries < MAX_TRIES) return { ...wait(read, mirror.now()), state: "read" };
  return { ...unequal(read, mirror.now()), sentence: sentenceOf(reading) };
}

/** A window that is too large for a digest. */
function counted(window: Window, theirs: number, now: number): Outcome {
  const read = { ...window, theirs, digest: "" };
  if (theirs === window.ours) return settled(read, now);
  if (window.tries < MAX_TRIES) return { ...wait(read, now), state: "read" };
  const sentence = `Waldur counts ${theirs} events here, this server ${window.ours}; they are too many for a digest.`;
  return { ...unequal(read, now), sentence };
}

/**
 * The two sides agree. What agreed before has done another round, and is done after the last one. What had to be corrected
 * is compared again after a day, at the earliest.
 */
function settled(window: Window, now: number): Outcome {
  const didAgree = ["equal", "counted"].includes(window.state);
  const rounds = didAgree ? window.rounds + 1 : window.rounds;
  const [first = 0] = ROUNDS_MS;
  const at = ROUNDS_MS[rounds];
  const next_at = at === undefined ? null : Math.max(window.read_at + at, didAgree ? 0 : now + first);
  return { ...window, state: window.digest === "" ? "counted" : "equal", tries: 0, rounds, next_at, sentence: "" };
}

const wait = (window: Window, now: number): Outcome => ({
  ...window,
  ...{ tries: window.tries + 1, next_at: now + COMPARE_AFTER_MS * 2 ** window.tries },
  sentence: "Its events are on their way through the queue.",
});

const unequal = (window: Window, now: number): Outcome => ({
  ...window,
  ...{ state: "unequal", tries: window.tries + 1, next_at: now + UNEQUAL_AGAIN_MS, sentence: "" },
});

/** The word of each kind of difference, for a sentence. */
const WORDS = {
  extra: "only this server has",
  altered: "differ in content",
  refused: "cannot be taken over",
  missing: "only Waldur has",
} as const;

function sentenceOf({ sent, differences }: Reading): string {
  const kinds = Map.groupBy(differences, ({ kind }) => kind);
  if (sent.length > 0) kinds.set("missing", sent);
  return `Events: ${[...kinds].map(([kind, { length }]) => `${length} ${WORDS[kind]}`).join("; ")}.`;
}

const rangeOf = ({ from_s, to_s }: Window): Range => ({ from: from_s, to: to_s });
