/** Events of a page: the most that Waldur gives. */
export const PAGE_EVENTS = 300;
/** Smaller pages, for events so large that a page of them is larger than MAX_PAGE_BYTES. */
export const PAGE_SIZES: readonly number[] = [PAGE_EVENTS, 50, 10, 1];
/** Bytes of an answer, checked while it is read and before it is parsed. */
export const MAX_PAGE_BYTES = 8_000_000;

/** Pages of a window: its lines are in memory at once, to be sorted for the digest. */
const WINDOW_PAGES = 30;
export const MAX_WINDOW_EVENTS = WINDOW_PAGES * PAGE_EVENTS;
/** Characters of the lines of a window; those in which both sides agree count once. */
export const MAX_WINDOW_TEXT = 24_000_000;
/** Seconds: the longest window. */
export const MAX_WIDTH = 30 * 86_400;

/** Seconds after which a time is settled: Waldur's transactions that began before it have ended. */
export const SETTLED_AFTER = 3_600;
/** Seconds that are settled before they become a window: 24 windows a day, once the history is read. */
export const MIN_STEP = 3_600;
/** Seconds that the tail reads once more, as events become visible a little after their time. */
export const TAIL_OVERLAP = 120;
/** Pages of the tail in one slice. */
export const MAX_TAIL_PAGES = 20;

/** Milliseconds that the queue and its consumer get before a window is compared. */
export const COMPARE_AFTER_MS = 120_000;
/** Comparisons that do not agree before a window is called unequal: its events may still be in the queue. */
export const MAX_TRIES = 4;
/** Milliseconds between two comparisons of an unequal window. */
export const UNEQUAL_AGAIN_MS = 6 * 3_600_000;
/** When a window is compared again, milliseconds after it was read. The last time it is read anew. */
export const ROUNDS_MS: readonly number[] = [1, 7, 30].map((days) => days * 86_400_000);

/** Answers in a row that cannot be used before a window is put aside as failed, so that the next one is read. */
export const MAX_BAD_ANSWERS = 5;
/** Differing events that are kept for an operator from one reading. */
export const MAX_DIFFERENCES = 200;

/** Messages waiting in our own queue above which the mirror holds back: each has up to 120 KB. */
export const HOLD_BACK_MESSAGES = 500;

/** What one run of the cron job may use. `statements` of D1, which allows 1,000 to all jobs of an invocation together. */
export interface Limits {
  requests: number;
  bytes: number;
  wallMs: number;
  statements: number;
}

/** A run a minute: 400 requests of 300 events are 2,000 events a second. */
export const SLICE: Limits = { requests: 400, bytes: 200_000_000, wallMs: 40_000, statements: 600 };

/** Milliseconds that Waldur has for one answer, its body included. */
export const REQUEST_MS = 30_000;
/** Milliseconds after which a run that was killed no longer keeps others out: longer than a slice and a request. */
export const LEASE_MS = 150_000;

const FIRST_BACK_OFF_MS = 10_000;
const LAST_BACK_OFF_MS = 15 * 60_000;
/** Milliseconds: the longest Retry-After that is honoured. */
export const MAX_RETRY_AFTER_MS = 86_400_000;

/** Milliseconds to wait after so many failures in a row: doubled each time, half of it random. 0 ≤ `random` < 1. */
export function backOff(failures: number, random: number): number {
  const longest = Math.min(FIRST_BACK_OFF_MS * 2 ** Math.max(0, failures - 1), LAST_BACK_OFF_MS);
  return Math.round(longest / 2 + (longest / 2) * random);
}
