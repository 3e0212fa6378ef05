import type { Env } from "../env.ts";
import { ExpiringCache } from "../http/cache.ts";
import { type Hold, holdOf, readMark } from "../ingest/watermark/mark.ts";
import { answerOf, type DatabaseFacts, type QueueFacts, readDatabase, readQueue } from "./facts.ts";

/** Milliseconds that an isolate gives the same answer, so that asking often costs nothing. */
export const FRESH_MS = 5_000;

/** Milliseconds after which something counts as broken. */
export const LATE_MS = { cron: 180_000, message: 300_000, watermark: 600_000 } as const;

const ISSUES = {
  database: "The database does not answer.",
  queue: "The queue does not tell its metrics.",
  object_store: "R2 does not answer.",
  cron: "The cron job has written nothing into the database for 3 minutes.",
  backlog: "A message has waited in the queue for more than 5 minutes.",
  watermark: "It has not been known for 10 minutes whether everything that was accepted is stored",
} as const;

/** Why the watermark may stand still. */
const HELD: Readonly<Record<Hold["reason"], string>> = {
  spilled: "messages are or were in R2.",
  dead: "messages go to the dead letters.",
  retried: "messages are tried again.",
  queue: "the queue is late, or tells too little.",
  unknown: "the cron job did not run, or an earlier version of the Worker did.",
};

/** Whether reading and writing work; `problems`: a sentence for each part that does not, none when ready. */
export interface Readiness {
  ready: boolean;
  problems: Partial<Record<keyof typeof ISSUES, string>>;
}

type Bindings = Pick<Env, "DB" | "SPILL" | "INGEST_QUEUE">;

const KEY = "readiness";
const answers = new ExpiringCache<Readiness>(1);
/** Whether a request is looking. The others do not wait for it, as it may be cancelled: they have the answer before. */
const lookers = new ExpiringCache<true>(1);

/**
 * The readiness, FRESH_MS old and at most twice as old while somebody looks again. Costs three rows of the database, metrics of
 * a queue and one read of R2. Does not throw. `now` in milliseconds.
 */
export async function readiness(env: Bindings, now = Date.now()): Promise<Readiness> {
  const last = answers.get(KEY, 2 * FRESH_MS, now);
  const isFresh = answers.get(KEY, FRESH_MS, now) !== undefined || lookers.get(KEY, FRESH_MS, now);
  if (last !== undefined && isFresh) return last;
  lookers.set(KEY, true, now);
  const answer = await readReadiness(env, now);
  answers.set(KEY, answer, now);
  return answer;
}

async function readReadiness(env: Bindings, now: number): Promise<Readiness> {
  const [database, queue, store] = await Promise.all([
    answerOf("database", readDatabase(env.DB)),
    answerOf("queue", readQueue(env.INGEST_QUEUE)),
    answerOf("bucket", readMark(env.SPILL)),
  ]);
  const found: [issue: keyof typeof ISSUES, isFound: boolean][] = [
    ["database", database === undefined],
    ["queue", queue === undefined],
    ["object_store", store === undefined],
    ["cron", database !== undefined && now - database.countedAt / 1_000 > LATE_MS.cron],
    ["backlog", isLate(queue, now)],
    ["watermark", database !== undefined && isBehind(database, now)],
  ];
  const problems = found
    .filter(([, isFound]) => isFound)
    .map(([issue]) => [issue, issue === "watermark" ? held(store && holdOf(store.mark, now)) : ISSUES[issue]]);
  return { ready: problems.length === 0, problems: Object.fromEntries(problems) };
}

const isLate = (queue: QueueFacts | undefined, now: number): boolean =>
  queue?.oldest !== undefined && now - queue.oldest > LATE_MS.message;

const isBehind = ({ completeThrough }: DatabaseFacts, now: number): boolean =>
  now - completeThrough / 1_000 > LATE_MS.watermark;

const held = (hold: Hold | undefined): string =>
  hold === undefined ? `${ISSUES.watermark}.` : `${ISSUES.watermark}: ${HELD[hold.reason]}`;
