import * as v from "valibot";
import { withStatementBudget } from "../db/budget.ts";
import { database, runBatch } from "../db/client.ts";
import type { Env } from "../env.ts";
import { microsecondsNow } from "../values/time.ts";
import { keepDeadLetters } from "./dead-letters/keep.ts";
import { deadLetterOf } from "./dead-letters/letter.ts";
import { asText, packDeadLetter } from "./dead-letters/message.ts";
import { type Rejections, unpackMessage } from "./queue/message.ts";
import { FULL_DELAY_SECONDS, LAST_ATTEMPT, retryDelay } from "./queue/retry.ts";
import { spill } from "./queue/spill.ts";
import type { Delivered } from "./statistics/delivered.ts";
import { addRejections } from "./statistics/rejected.ts";
import { type Failure, writeEvents } from "./write.ts";

/**
 * Deliveries of a message that fails for good. A message that fails for now is delivered again until the platform gives up
 * (max_retries in wrangler.toml: a day) and moves it to the dead letters.
 */
export const MAX_ATTEMPTS = 5;

/** The events of the log that name a failure which only an operator can end. */
const ALARMS: Readonly<Record<string, string>> = { full: "database_full", statement: "statement_refused" };

/** Statements for dead letters: most of the 100 that src/db/budget.ts leaves of the 1,000 of an invocation. */
const MAX_LETTER_STATEMENTS = 90;

interface Entry extends Delivered {
  message: Message<unknown>;
}

interface Unsettled {
  reason: string;
  isTransient: boolean;
  detail: string;
}

/**
 * Writes a batch of queue messages. A message is acknowledged when its events are stored or kept as dead letters; else it
 * is retried after a delay that grows with each delivery. `now` in microseconds, 0 ≤ `random()` < 1.
 */
export async function consume(
  batch: MessageBatch<unknown>,
  env: Env,
  now = microsecondsNow(),
  random = Math.random,
): Promise<void> {
  const unsettled = new Map<Message<unknown>, Unsettled>();
  const entries: Entry[] = [];
  const rejections: { message: Message<unknown>; counts: Rejections }[] = [];
  for (const message of batch.messages) {
    try {
      const content = unpackMessage(message.body);
      if (content.kind === "rejections") rejections.push({ message, counts: content.counts });
      else for (const event of content.events) entries.push({ event, message, replay: content.replay });
    } catch (error) {
      unsettled.set(message, { reason: "unreadable", isTransient: false, detail: unreadable(error) });
    }
  }
  await writeRejections(rejections, env, unsettled);
  const { failures, ...report } = await writeEvents(env.DB, entries, now);
  for (const [{ message }, failure] of failures) {
    if (failure.reason !== "conflict" && !unsettled.get(message)?.isTransient) unsettled.set(message, failure);
  }
  await keepConflicts(failures, env, now, unsettled);
  for (const message of batch.messages) {
    const problem = unsettled.get(message);
    if (problem === undefined) message.ack();
    else if (problem.reason === "full") await waitForRoom(message, env, now);
    else await retryOrGiveUp(message, problem, env, random());
  }
  alarm(unsettled);
  const level = unsettled.size > 0 ? "warn" : "info";
  const rowsPerEvent = report.stored === 0 ? 0 : Number((report.rowsWritten / report.stored).toFixed(2));
  console.log(
    JSON.stringify({ level, event: "batch_written", messages: batch.messages.length, ...report, rowsPerEvent }),
  );
}

async function writeRejections(
  rejections: readonly { message: Message<unknown>; counts: Rejections }[],
  env: Env,
  unsettled: Map<Message<unknown>, Unsettled>,
): Promise<void> {
  if (rejections.length === 0) return;
  try {
    await runBatch(database(env.DB), [addRejections(rejections.flatMap(({ counts }) => counts))]);
  } catch (error) {
    for (const { message } of rejections) unsettled.set(message, notWritten(error));
  }
}

/** An event whose uuid belongs to another event can never be written: it becomes a dead letter at once. */
async function keepConflicts(
  failures: ReadonlyMap<Entry, Failure>,
  env: Env,
  now: number,
  unsettled: Map<Message<unknown>, Unsettled>,
): Promise<void> {
  const conflicts = [...failures].filter(([, { reason }]) => reason === "conflict");
  if (conflicts.length === 0) return;
  try {
    const letters = conflicts.map(([{ event, replay, message }, { reason, detail }]) =>
      deadLetterOf(event, { reason, detail, attempts: message.attempts, replay }),
    );
    await keepDeadLetters(
      { DB: withStatementBudget(env.DB, MAX_LETTER_STATEMENTS), SPILL: env.SPILL },
      await Promise.all(letters),
      now,
    );
  } catch (error) {
    for (const [{ message }] of conflicts) unsettled.set(message, notWritten(error));
  }
}

/** Retries a message later. After MAX_ATTEMPTS deliveries, one that fails for good goes to the dead letters with its reason. */
async function retryOrGiveUp(message: Message<unknown>, problem: Unsettled, env: Env, random: number): Promise<void> {
  const { id, attempts } = message;
  const { reason, detail } = problem;
  console.error(JSON.stringify({ level: "error", event: "message_failed", reason, id, attempts, error: detail }));
  if (!problem.isTransient && attempts >= MAX_ATTEMPTS) {
    try {
      await env.INGEST_DEAD_LETTERS.send(packDeadLetter({ reason, detail, attempts }, message.body), {
        contentType: "text",
      });
      return message.ack();
    } catch (error) {
      console.error(JSON.stringify({ level: "error", event: "dead_letter_not_sent", id, error: String(error) }));
    }
  }
  message.retry({ delaySeconds: retryDelay(attempts, random) });
}

/**
 * Retries a message of a full database after the longest delay. Before the queue would give it up as a dead letter, the
 * message goes to R2, and the cron job sends it again as a new one: it waits for as long as the database is full.
 */
async function waitForRoom(message: Message<unknown>, env: Env, now: number): Promise<void> {
  if (message.attempts >= LAST_ATTEMPT) {
    try {
      await spill(env.SPILL, [asText(message.body)], now, message.id);
      return message.ack();
    } catch (error) {
      console.error(
        JSON.stringify({ level: "error", event: "message_not_spilled", id: message.id, error: String(error) }),
      );
    }
  }
  message.retry({ delaySeconds: FULL_DELAY_SECONDS });
}

/** One line for each kind of failure that only an operator can end. */
function alarm(unsettled: ReadonlyMap<Message<unknown>, Unsettled>): void {
  for (const [reason, event] of Object.entries(ALARMS)) {
    const problems = [...unsettled.values()].filter((problem) => problem.reason === reason);
    const [first] = problems;
    if (first === undefined) continue;
    console.error(JSON.stringify({ level: "error", event, messages: problems.length, error: first.detail }));
  }
}

/** Errors of JSON and of schemas quote the message, which must not be logged. */
const unreadable = (error: unknown): string =>
  error instanceof SyntaxError || v.isValiError(error) ? "Not a message of this service." : String(error);

const notWritten = (error: unknown): Unsettled => ({ reason: "database", isTransient: true, detail: String(error) });
