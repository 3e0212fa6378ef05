import { withStatementBudget } from "../../db/budget.ts";
import { type Database, database } from "../../db/client.ts";
import type { Env } from "../../env.ts";
import { type NewEvent, withContent } from "../../events/event.ts";
import { storedIdentities } from "../../events/write/stored.ts";
import { withDeadline } from "../../values/deadline.ts";
import { microsecondsNow } from "../../values/time.ts";
import { unpackMessage } from "../queue/message.ts";
import { retryDelay } from "../queue/retry.ts";
import { SPILL_DEADLINE_MS, spillDead } from "../queue/spill.ts";
import { holdOutside, holdUnseen } from "../watermark/hold.ts";
import { keepDeadLetters } from "./keep.ts";
import { type DeadLetter, deadLetterOf, unreadableDeadLetter } from "./letter.ts";
import { asText, type Cause, unpackDeadLetter } from "./message.ts";

/** After this many deliveries, over hours, a dead message goes to R2; the cron job sends it to the queue again. */
export const MAX_DEAD_ATTEMPTS = 20;

/** Keeps dead messages in the table: one row for each event that is not stored. A message is never given up. */
export async function consumeDeadLetters(
  batch: MessageBatch<unknown>,
  env: Env,
  now = microsecondsNow(),
  random = Math.random,
): Promise<void> {
  const DB = withStatementBudget(env.DB);
  let away = 0;
  for (const message of batch.messages) {
    try {
      await keepDeadLetters({ DB, SPILL: env.SPILL }, await deadLettersIn(database(DB), message), now);
      message.ack();
    } catch (error) {
      console.error(
        JSON.stringify({ level: "error", event: "dead_letter_not_kept", id: message.id, error: String(error) }),
      );
      if (message.attempts >= MAX_DEAD_ATTEMPTS && (await isSpilled(env, message, now))) message.ack();
      else {
        message.retry({ delaySeconds: retryDelay(message.attempts, random()) });
        away = Math.max(away, retryDelay(message.attempts, 1));
      }
    }
  }
  if (away > 0) await hold(env.SPILL, away);
}

/** A message may be here because a consumer died, and nobody has said so yet. */
async function hold(bucket: R2Bucket, seconds: number): Promise<void> {
  await holdOutside(bucket, "dead").catch(() => undefined);
  await holdUnseen(bucket, "retried", seconds);
}

async function isSpilled(env: Env, { id, body }: Message<unknown>, now: number): Promise<boolean> {
  try {
    await holdOutside(env.SPILL, "dead");
    const spilled = spillDead(env.SPILL, asText(body), now, id);
    await withDeadline(spilled, SPILL_DEADLINE_MS, "R2 did not answer in time.");
    return true;
  } catch (error) {
    console.error(JSON.stringify({ level: "error", event: "dead_letter_not_spilled", id, error: String(error) }));
    return false;
  }
}

/** The dead letters of a message: its events that are not stored. One bad event can stop a message of many good ones. */
async function deadLettersIn(db: Database, { body: packed, attempts }: Message<unknown>): Promise<DeadLetter[]> {
  const { cause, body } = unpackDeadLetter(packed);
  const known: Cause = cause ?? { reason: "retries", detail: "Delivered until the platform gave up.", attempts };
  let content: ReturnType<typeof unpackMessage>;
  try {
    content = unpackMessage(body);
  } catch (error) {
    return [await unreadableDeadLetter(body, { ...known, reason: "unreadable", detail: String(error) })];
  }
  if (content.kind === "rejections") return [await unreadableDeadLetter(body, known)];
  const { events, replay } = content;
  const missing = await notStored(db, events);
  return Promise.all(missing.map((event) => deadLetterOf(event, { ...known, replay })));
}

async function notStored(db: Database, events: readonly NewEvent[]): Promise<NewEvent[]> {
  const stored = await storedIdentities(
    db,
    events.map(({ uuid }) => uuid),
  );
  return events.filter((event) => {
    const { uuid, content } = withContent(event);
    return stored.get(uuid)?.content !== content;
  });
}
