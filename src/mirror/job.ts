import { StatementBudgetError, withStatementBudget } from "../db/budget.ts";
import { database } from "../db/client.ts";
import type { Env } from "../env.ts";
import { storedIdentities } from "../events/write/stored.ts";
import { backlog } from "../ingest/backlog.ts";
import { queueFromUpstream } from "../ingest/from-upstream.ts";
import { learnHistory, readNext } from "./backfill.ts";
import { Budget } from "./budget.ts";
import { compareDue } from "./compare.ts";
import { backOff, HOLD_BACK_MESSAGES, type Limits, MIN_STEP, SLICE } from "./limits.ts";
import { type Mirror, newRequests, settledEnd } from "./mirror.ts";
import { MIRROR_PRODUCER, StoredSide } from "./ours.ts";
import { MirrorProblem, SliceOver } from "./problems.ts";
import type { Run } from "./rows.ts";
import { Store } from "./store.ts";
import { readTail } from "./tail.ts";
import { baseUrl, type TheirEvent, Upstream } from "./upstream.ts";
import { verifyStep } from "./verify.ts";

type Bindings = Pick<Env, "DB" | "INGEST_QUEUE" | "WALDUR" | "WALDUR_URL" | "WALDUR_MIRROR_TOKEN">;

interface Options {
  /** Milliseconds. */
  now?: () => number;
  /** 0 ≤ random() < 1. */
  random?: () => number;
  limits?: Limits;
}

/**
 * The job of every minute: one slice of the mirror, if `mirror start` was run and nobody else works on it. Throws what the
 * database throws; what is wrong with Waldur becomes the state of the run.
 */
export async function mirrorWaldur(
  env: Bindings,
  { now = Date.now, random = Math.random, limits = SLICE }: Options = {},
): Promise<void> {
  if (!env.WALDUR_URL || !env.WALDUR_MIRROR_TOKEN) return;
  const store = new Store(database(env.DB), crypto.randomUUID());
  const run = await store.take(now());
  if (run === undefined) return;
  const mirror = mirrorOf(env, run, store, { now, random, limits });
  const outcome = await outcomeOf(mirror, env);
  const { skew } = mirror.theirs;
  await store.release({ ...outcome, skew }, { requests: newRequests(mirror) });
}

function mirrorOf(env: Bindings, run: Run, store: Store, { now, random, limits }: Required<Options>): Mirror {
  const budget = new Budget(limits, now);
  const metered = withStatementBudget(env.DB, limits.statements);
  return {
    ...{ run, store, budget, now, random, requestsSaved: 0 },
    theirs: new Upstream(env, budget, now, run.skew),
    ours: new StoredSide(metered),
    send: (events) => send(env, events, now(), random()),
    known: async (uuids) => new Set((await storedIdentities(database(metered), uuids)).keys()),
  };
}

async function send(env: Bindings, events: readonly TheirEvent[], now: number, random: number) {
  const values = events.map(({ value }) => value);
  try {
    const refused = await queueFromUpstream(env, MIRROR_PRODUCER, values, now, random);
    return refused.flatMap(({ index, detail }) => {
      const event = events[index];
      return event === undefined ? [] : [{ event, detail }];
    });
  } catch (error) {
    throw new MirrorProblem("queue", error instanceof Error ? error.name : "");
  }
}

type Outcome = Partial<Pick<Run, "state" | "reason" | "sentence" | "failures" | "resume_at">>;

const WELL: Outcome = { reason: "", sentence: "", failures: 0 };

/** Works until nothing is left to do or the slice is over. Returns what the run has come to. */
async function outcomeOf(mirror: Mirror, env: Bindings): Promise<Outcome> {
  try {
    await assertSameUpstream(mirror, env);
    return await work(mirror, env);
  } catch (error) {
    if (error instanceof SliceOver || error instanceof StatementBudgetError) return WELL;
    if (error instanceof MirrorProblem) return afterProblem(mirror, error);
    throw error;
  }
}

async function work(mirror: Mirror, env: Bindings): Promise<Outcome> {
  if (mirror.run.cursor === null) await learnHistory(mirror);
  const bad = isFollowing(mirror) ? await tailProblem(mirror) : undefined;
  for (const step of [compareDue, readNext, verifyStep]) {
    do {
      const waiting = await backlog(env.INGEST_QUEUE, mirror.now());
      if (waiting !== undefined && waiting > HOLD_BACK_MESSAGES) return holdingBack(waiting);
    } while (!mirror.budget.isSpent && (await step(mirror)));
  }
  if (bad !== undefined) throw bad;
  return WELL;
}

/** Reads the tail. An answer that cannot be used must not keep the rest from being done: it is settled one day, too. */
async function tailProblem(mirror: Mirror): Promise<MirrorProblem | undefined> {
  try {
    await readTail(mirror);
    return undefined;
  } catch (error) {
    if (error instanceof MirrorProblem && error.consequence === "bad") return error;
    throw error;
  }
}

/** Whether all that is settled has been read, but for what is not worth a window yet. */
const isFollowing = (mirror: Mirror): boolean => settledEnd(mirror) - (mirror.run.cursor ?? 0) < MIN_STEP;

const holdingBack = (messages: number): Outcome => ({
  ...{ reason: "backlog", failures: 0 },
  sentence: `${messages} messages wait in our own queue; the mirror goes on below ${HOLD_BACK_MESSAGES}.`,
});

/** All windows are about one Waldur. */
async function assertSameUpstream({ run, store }: Mirror, env: Bindings): Promise<void> {
  const { href } = baseUrl(env);
  if (run.upstream === "") await store.save({ upstream: href });
  else if (run.upstream !== href) throw new MirrorProblem("another_upstream");
}

function afterProblem({ run, now, random }: Mirror, problem: MirrorProblem): Outcome {
  const { code: reason, message: sentence, consequence, retryAfterMs = 0 } = problem;
  console.warn(JSON.stringify({ level: "warn", event: "mirror_problem", reason, sentence }));
  if (consequence === "stop") return { state: "stopped", reason, sentence };
  const failures = run.failures + 1;
  return { reason, sentence, failures, resume_at: now() + Math.max(retryAfterMs, backOff(failures, random())) };
}
