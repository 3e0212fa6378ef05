import type { Env } from "../env.ts";
import { withDeadline } from "../values/deadline.ts";
import { asText, packDeadLetter } from "./dead-letters/message.ts";
import { FULL_DELAY_SECONDS, LAST_ATTEMPT, retryDelay } from "./queue/retry.ts";
import { SEND_DEADLINE_MS } from "./queue/send.ts";
import { SPILL_DEADLINE_MS, spill } from "./queue/spill.ts";
import { holdOutside } from "./watermark/hold.ts";

/**
 * Deliveries of a message that fails for good. A message that fails for now is delivered again until the platform gives up
 * (max_retries in wrangler.toml: a day) and moves it to the dead letters.
 */
export const MAX_ATTEMPTS = 5;

/** The events of the log that name a problem which only an operator can end. */
const ALARMS: Readonly<Record<string, string>> = { full: "database_full", statement: "statement_refused" };

/** Why a message is not done. `isTransient`: a later delivery may be. */
export interface Problem {
  reason: string;
  isTransient: boolean;
  detail: string;
}

/**
 * Acknowledges a message without a problem, and retries any other, or gives it up. Returns the longest time in seconds that
 * it may be away for a retry. `now` in microseconds, 0 ≤ `random` < 1.
 */
export async function settle(
  message: Message<unknown>,
  problem: Problem | undefined,
  env: Env,
  now: number,
  random: number,
): Promise<number> {
  if (problem?.reason === "full") return await waitForRoom(message, env, now);
  if (problem !== undefined) return await retryOrGiveUp(message, problem, env, random);
  message.ack();
  return 0;
}

/** One line for each kind of problem that only an operator can end. */
export function alarm(problems: readonly Problem[]): void {
  for (const [reason, event] of Object.entries(ALARMS)) {
    const [first, ...others] = problems.filter((problem) => problem.reason === reason);
    if (first === undefined) continue;
    console.error(JSON.stringify({ level: "error", event, messages: 1 + others.length, error: first.detail }));
  }
}

/** Retries a message later. After MAX_ATTEMPTS deliveries, one that fails for good goes to the dead letters with its reason. */
async function retryOrGiveUp(message: Message<unknown>, problem: Problem, env: Env, random: number): Promise<number> {
  const { id, attempts } = message;
  const { reason, detail } = problem;
  console.error(JSON.stringify({ level: "error", event: "message_failed", reason, id, attempts, error: detail }));
  if (!problem.isTransient && attempts >= MAX_ATTEMPTS) {
    try {
      await holdOutside(env.SPILL, "dead");
      const letter = packDeadLetter({ reason, detail, attempts }, message.body);
      const sent = env.INGEST_DEAD_LETTERS.send(letter, { contentType: "text" });
      await withDeadline(sent, SEND_DEADLINE_MS, "The queue did not answer in time.");
      message.ack();
      return 0;
    } catch (error) {
      console.error(JSON.stringify({ level: "error", event: "dead_letter_not_sent", id, error: String(error) }));
    }
  }
  message.retry({ delaySeconds: retryDelay(attempts, random) });
  return retryDelay(attempts, 1);
}

/**
 * Retries a message of a full database after the longest delay. Before the queue would give it up as a dead letter, the
 * message goes to R2, and the cron job sends it again as a new one: it waits for as long as the database is full.
 */
async function waitForRoom(message: Message<unknown>, env: Env, now: number): Promise<number> {
  const { id, attempts, body } = message;
  if (attempts >= LAST_ATTEMPT) {
    try {
      await holdOutside(env.SPILL, "spilled");
      const spilled = spill(env.SPILL, [asText(body)], now, id);
      await withDeadline(spilled, SPILL_DEADLINE_MS, "R2 did not answer in time.");
      message.ack();
      return 0;
    } catch (error) {
      console.error(JSON.stringify({ level: "error", event: "message_not_spilled", id, error: String(error) }));
    }
  }
  message.retry({ delaySeconds: FULL_DELAY_SECONDS });
  return FULL_DELAY_SECONDS;
}
