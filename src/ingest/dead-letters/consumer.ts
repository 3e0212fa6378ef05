import { sql } from "drizzle-orm";
import { withStatementBudget } from "../../db/budget.ts";
import { type Database, database, runBatch } from "../../db/client.ts";
import type { Env } from "../../env.ts";
import { type NewEvent, withContent } from "../../events/event.ts";
import { storedContent } from "../../events/write/identity.ts";
import { microsecondsNow } from "../../values/time.ts";
import { unpackMessage } from "../queue/message.ts";
import { retryDelay } from "../queue/retry.ts";
import { spillDead } from "../queue/spill.ts";
import { keepLetters, type Letter, letterOf, unreadableLetter } from "./keep.ts";
import { asText, type Death, unpackDead } from "./message.ts";

/** Deliveries, over hours, after which a dead message goes to R2; the cron job brings it back. */
export const MAX_DEAD_ATTEMPTS = 20;

/** Keeps dead messages in the table, one row for each event that is not stored. The platform drops none of them. */
export async function consumeDeadLetters(
  batch: MessageBatch<unknown>,
  env: Env,
  now = microsecondsNow(),
  random = Math.random,
): Promise<void> {
  const DB = withStatementBudget(env.DB);
  for (const message of batch.messages) {
    try {
      await keepLetters({ DB, SPILL: env.SPILL }, await lettersIn(database(DB), message), now);
      message.ack();
    } catch (error) {
      console.error(
        JSON.stringify({ level: "error", event: "dead_letter_not_kept", id: message.id, error: String(error) }),
      );
      if (message.attempts >= MAX_DEAD_ATTEMPTS && (await isSpilled(env, message, now))) message.ack();
      else message.retry({ delaySeconds: retryDelay(message.attempts, random()) });
    }
  }
}

async function isSpilled(env: Env, { id, body }: Message<unknown>, now: number): Promise<boolean> {
  try {
    await spillDead(env.SPILL, asText(body), now, id);
    return true;
  } catch (error) {
    console.error(JSON.stringify({ level: "error", event: "dead_letter_not_spilled", id, error: String(error) }));
    return false;
  }
}

/** Of a message of many events, those that are not stored: one bad event may have kept the message back. */
async function lettersIn(db: Database, { body: packed, attempts }: Message<unknown>): Promise<Letter[]> {
  const { death, body } = unpackDead(packed);
  const told: Death = death ?? { reason: "retries", detail: "Delivered until the platform gave up.", attempts };
  let content: ReturnType<typeof unpackMessage>;
  try {
    content = unpackMessage(body);
  } catch (error) {
    return [await unreadableLetter(body, { ...told, reason: "unreadable", detail: String(error) })];
  }
  if (content.kind === "rejections") return [await unreadableLetter(body, told)];
  const { events, replay } = content;
  const missing = await notStored(db, events);
  return Promise.all(missing.map((event) => letterOf(event, { ...told, replay })));
}

async function notStored(db: Database, events: readonly NewEvent[]): Promise<NewEvent[]> {
  const uuids = JSON.stringify(events.map(({ uuid }) => uuid));
  const [result] = await runBatch(db, [
    sql`SELECT uuid, ${storedContent} AS content FROM events WHERE uuid IN (SELECT value FROM json_each(${uuids}))`,
  ]);
  const stored = new Map(result?.results.map(({ uuid, content }) => [uuid, content]));
  return events.filter((event) => {
    const { uuid, content } = withContent(event);
    return !stored.has(uuid) || (stored.get(uuid) ?? content) !== content;
  });
}
