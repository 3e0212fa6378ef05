import { type SQL, sql } from "drizzle-orm";
import { integer } from "../db/sql.ts";
import { MIN_STEP, SETTLED_AFTER } from "./limits.ts";
import { MICROSECONDS } from "./range.ts";
import { type Difference, type Run, runOf } from "./rows.ts";
import type { WINDOW_STATES } from "./table.ts";
import { type Verification, verificationIn } from "./verification.ts";

/** Milliseconds of difference between the clocks above which it is said. */
const SKEW_MS = 60_000;

/** How far the mirror is, and what is wrong with it. */
export interface MirrorStatus {
  /** `off`: never started. `reading`: the history; `following`: all that is settled was read. */
  state: "off" | "reading" | "following" | "paused" | "stopped";
  /** What is wrong or waited for, in a word; empty when nothing is. */
  reason: string;
  /** The state in a sentence. */
  sentence: string;
  windows: Record<(typeof WINDOW_STATES)[number], number>;
  /** Both sides agree by digest on every event from the first on up to this time; microseconds, null while on none. */
  verifiedThrough: number | null;
  /** The history is divided into windows from here up to there; microseconds, null before it is known. */
  historyFrom: number | null;
  readThrough: number | null;
  /** Requests made. */
  requests: number;
  /** Events read, and those that Waldur had when the mirror started. */
  seen: number;
  total: number;
  /** Milliseconds until the history is read, at the rate so far; null when that is not known, 0 when it is read. */
  timeLeft: number | null;
  /** No request is made before this time, milliseconds since 1970; 0 for none. */
  resumeAt: number;
  /** Differing events that are known, by kind. */
  differences: Record<Difference["kind"], number>;
  verification: Omit<Verification, "stack"> | null;
}

const NONE: MirrorStatus = {
  ...{ state: "off", reason: "", sentence: "The mirror was never started.", verifiedThrough: null },
  ...{ windows: { read: 0, equal: 0, counted: 0, unequal: 0, failed: 0 }, historyFrom: null, readThrough: null },
  ...{ requests: 0, seen: 0, total: 0, timeLeft: null, resumeAt: 0, verification: null },
  differences: { missing: 0, extra: 0, altered: 0, refused: 0 },
};

/**
 * The statements whose rows `statusOf` takes. They read the windows that are not equal, the differences, and two rows more;
 * for the number of all windows, an index of them.
 */
export const statusStatements: readonly SQL[] = [
  sql`SELECT * FROM mirror_run`,
  sql`SELECT state, count(*) AS n FROM mirror_windows WHERE state <> 'equal' GROUP BY state
    UNION ALL SELECT 'all', count(*) FROM mirror_windows`,
  sql`SELECT coalesce((SELECT min(from_s) FROM mirror_windows WHERE state <> 'equal'), (SELECT max(to_s) FROM mirror_windows
    WHERE from_s = (SELECT max(from_s) FROM mirror_windows))) AS through`,
  sql`SELECT kind, count(*) AS n FROM mirror_differences GROUP BY kind`,
];

type Rows = readonly Record<string, unknown>[];

/** `now` in milliseconds. */
export function statusOf(
  [runs = [], windows = [], through = [], kinds = []]: readonly Rows[],
  now: number,
): MirrorStatus {
  const run = runOf(runs[0]);
  if (run === undefined) return NONE;
  const verification = verificationIn(run.verification);
  const verified = through[0]?.through;
  const isKnown = typeof verified === "number" && verified !== run.history_from;
  return {
    ...described(run, now),
    windows: windowsOf(windows),
    verifiedThrough: isKnown ? verified * MICROSECONDS : null,
    historyFrom: microseconds(run.history_from),
    readThrough: microseconds(run.cursor),
    ...{ requests: run.requests, seen: run.seen, total: run.total, resumeAt: run.resume_at > now ? run.resume_at : 0 },
    timeLeft: timeLeft(run, now),
    differences: { ...NONE.differences, ...countsOf(kinds, "kind") },
    verification: verification === undefined ? null : withoutStack(verification),
  };
}

const microseconds = (seconds: number | null): number | null => (seconds === null ? null : seconds * MICROSECONDS);

const withoutStack = ({ stack: _, ...rest }: Verification) => rest;

const countsOf = (rows: Rows, name: string): Record<string, number> =>
  Object.fromEntries(rows.map((row) => [String(row[name]), Number(row.n)]));

function windowsOf(rows: Rows): MirrorStatus["windows"] {
  const { all = 0, ...counts } = countsOf(rows, "state");
  const others = Object.values(counts).reduce((sum, n) => sum + n, 0);
  return { ...NONE.windows, ...counts, equal: all - others };
}

const isRead = ({ cursor }: Run, now: number): boolean =>
  cursor !== null && now / 1_000 - SETTLED_AFTER - cursor < 2 * MIN_STEP;

function described(run: Run, now: number): Pick<MirrorStatus, "state" | "reason" | "sentence"> {
  const state = run.state === "running" ? (isRead(run, now) ? "following" : "reading") : run.state;
  if (run.sentence !== "") return { state, reason: run.reason, sentence: run.sentence };
  if (Math.abs(run.skew) > SKEW_MS) return { state, reason: "clock", sentence: clockSentence(run.skew) };
  return { state, reason: "", sentence: SENTENCES[run.upstream === "" && state === "reading" ? "begun" : state] };
}

const SENTENCES = {
  begun: "Started; no cron job has asked Waldur yet. It needs WALDUR_URL and the secret WALDUR_MIRROR_TOKEN.",
  reading: "Waldur's history is being read, the oldest events first.",
  following: "Waldur's history is read; new events are read every minute.",
  paused: "An operator has paused the mirror.",
  stopped: "The mirror has stopped.",
} as const;

const clockSentence = (skew: number): string =>
  `Waldur's clock is ${Math.round(Math.abs(skew) / 1_000)} s ${skew > 0 ? "ahead of" : "behind"} ours.`;

/** At the rate of all time since the start, pauses included. */
function timeLeft(run: Run, now: number): number | null {
  if (isRead(run, now)) return 0;
  if (run.seen === 0) return null;
  return Math.round(((now - run.started_at) * Math.max(0, run.total - run.seen)) / run.seen);
}

/** The differing events, the oldest first; the rows are those of `differenceOf`. */
export const differencesStatement = (limit: number): SQL =>
  sql`SELECT uuid, kind, created, detail FROM mirror_differences ORDER BY created, uuid LIMIT ${integer(limit)}`;
