import * as v from "valibot";
import { withStatementBudget } from "../db/budget.ts";
import { type D1Calls, database, runBatch } from "../db/client.ts";
import type { Env } from "../env.ts";
import { microsecondsNow } from "../values/time.ts";
import { CommitHook } from "./commit-hook.ts";
import { keepDeadLetters } from "./dead-letters/keep.ts";
import { deadLetterOf } from "./dead-letters/letter.ts";
import { type Rejections, unpackMessage } from "./queue/message.ts";
import { alarm, type Problem, settle } from "./settle.ts";
import type { Delivered } from "./statistics/delivered.ts";
import { addRejections } from "./statistics/rejected.ts";
import { transactions } from "./transactions.ts";
import { holdUnseen } from "./watermark/hold.ts";
import { throughOf } from "./watermark/through.ts";
import { type Failure, writeEvents } from "./write.ts";

/** Statements for dead letters: most of the 100 that src/db/budget.ts leaves of the 1,000 of an invocation. */
const MAX_LETTER_STATEMENTS = 90;

/** An event, and the message that it came in. */
interface Entry extends Delivered {
  message: Message<unknown>;
  isLast: boolean;
}

/** What a delivery has come to so far. */
interface Run {
  env: Env;
  /** The database for dead letters. */
  letters: D1Calls;
  now: number;
  /** Up to when the log is complete: microseconds, 0 when it is unknown. */
  through: number;
  random: () => number;
  problems: Map<Message<unknown>, Problem>;
  rejections: { message: Message<unknown>; counts: Rejections }[];
  settled: Set<Message<unknown>>;
  commits: CommitHook;
  /** Seconds that a message is away for a retry, at the longest. */
  away: number;
}

/**
 * Writes a batch of queue messages, one transaction after the other: only the messages of the one in hand are unpacked. A
 * message is acknowledged when its events are stored or kept as dead letters; else it is retried after a delay that grows
 * with each delivery. After a failure for now, all that is left is retried. `now` in microseconds, 0 ≤ `random()` < 1.
 * `onCommit` is told the number of the newest entry of the log after each transaction that wrote one (CommitHook).
 */
export async function consume(
  batch: MessageBatch<unknown>,
  env: Env,
  now = microsecondsNow(),
  random = Math.random,
  onCommit: (end: number) => Promise<void> = async () => undefined,
): Promise<void> {
  const { messages } = batch;
  const letters = withStatementBudget(env.DB, MAX_LETTER_STATEMENTS);
  const commits = new CommitHook(onCommit);
  const through = await throughOf(batch, env.SPILL);
  const run: Run = {
    ...{ env, letters, now, through, random, commits },
    ...{ problems: new Map(), rejections: [], settled: new Set(), away: 0 },
  };
  const { halted, ...report } = await writeMessages(run, messages);
  await writeRejections(run, halted);
  for (const message of messages) {
    if (halted && !run.settled.has(message)) note(run, message, halted);
    await settleOnce(run, message);
  }
  // The platform retries messages when the consumer has returned.
  if (run.away > 0) await holdUnseen(env.SPILL, "retried", run.away);
  alarm([...run.problems.values()]);
  const level = run.problems.size > 0 ? "warn" : "info";
  const rowsPerEvent = report.stored === 0 ? 0 : Number((report.rowsWritten / report.stored).toFixed(2));
  console.log(JSON.stringify({ level, event: "batch_written", messages: messages.length, ...report, rowsPerEvent }));
  await commits.done();
}

async function writeMessages(run: Run, messages: readonly Message<unknown>[]) {
  const report = { stored: 0, duplicates: 0, rowsWritten: 0 };
  const DB = withStatementBudget(run.env.DB);
  for (const some of transactions(entriesOf(run, messages))) {
    const { failures, halted, ...written } = await writeEvents(DB, some, run.now, run.through);
    run.commits.tell(written.end);
    report.stored += written.stored;
    report.duplicates += written.duplicates;
    report.rowsWritten += written.rowsWritten;
    for (const [{ message }, failure] of failures) if (failure.reason !== "conflict") note(run, message, failure);
    await keepConflicts(run, failures);
    if (halted) return { ...report, halted };
    for (const { message, isLast } of some) if (isLast) await settleOnce(run, message);
  }
  return { ...report, halted: undefined };
}

/** The events of the messages, unpacked one by one. */
function* entriesOf(run: Run, messages: readonly Message<unknown>[]): Generator<Entry> {
  for (const message of messages) {
    const content = contentOf(run, message);
    if (content?.kind === "rejections") run.rejections.push({ message, counts: content.counts });
    if (content?.kind !== "events") continue;
    for (const [index, event] of content.events.entries()) {
      yield { event, message, replay: content.replay, isLast: index === content.events.length - 1 };
    }
  }
}

function contentOf(run: Run, message: Message<unknown>): ReturnType<typeof unpackMessage> | undefined {
  try {
    return unpackMessage(message.body);
  } catch (error) {
    note(run, message, { reason: "unreadable", isTransient: false, detail: unreadable(error) });
    return undefined;
  }
}

/** A problem for now counts more than one for good: the message has to come back. */
function note({ problems }: Run, message: Message<unknown>, problem: Problem): void {
  if (!problems.get(message)?.isTransient) problems.set(message, problem);
}

async function settleOnce(run: Run, message: Message<unknown>): Promise<void> {
  if (run.settled.has(message)) return;
  run.settled.add(message);
  const away = await settle(message, run.problems.get(message), run.env, run.now, run.random());
  run.away = Math.max(run.away, away);
}

async function writeRejections(run: Run, halted: Failure | undefined): Promise<void> {
  const { rejections, env } = run;
  if (halted !== undefined || rejections.length === 0) return;
  try {
    await runBatch(database(env.DB), [addRejections(rejections.flatMap(({ counts }) => counts))]);
  } catch (error) {
    for (const { message } of rejections) note(run, message, notWritten(error));
  }
}

/** An event whose uuid belongs to another event can never be written: it becomes a dead letter at once. */
async function keepConflicts(run: Run, failures: ReadonlyMap<Entry, Failure>): Promise<void> {
  const conflicts = [...failures].filter(([, { reason }]) => reason === "conflict");
  if (conflicts.length === 0) return;
  try {
    const letters = conflicts.map(([{ event, replay, message }, { reason, detail }]) =>
      deadLetterOf(event, { reason, detail, attempts: message.attempts, replay }),
    );
    await keepDeadLetters({ DB: run.letters, SPILL: run.env.SPILL }, await Promise.all(letters), run.now);
  } catch (error) {
    for (const [{ message }] of conflicts) note(run, message, notWritten(error));
  }
}

/** Errors of JSON and of schemas quote the message, which must not be logged. */
const unreadable = (error: unknown): string =>
  error instanceof SyntaxError || v.isValiError(error) ? "Not a message of this service." : String(error);

const notWritten = (error: unknown): Problem => ({ reason: "database", isTransient: true, detail: String(error) });
