import { and, asc, eq, sql } from "drizzle-orm";
import { database } from "../../db/client.ts";
import type { Env } from "../../env.ts";
import { isStored } from "../../events/write/stored.ts";
import { bodyKey } from "../queue/keys.ts";
import { sendAll } from "../queue/send.ts";
import { deadLetters } from "../table.ts";

/** Dead letters in one run; the next run is a minute later. */
const MAX_LETTERS = 100;

/**
 * Sends the dead letters that the operator has marked back to the queue, and deletes the letters of earlier runs whose
 * events are stored. A letter keeps the identity of its event, so it may be sent twice. Returns the number of letters sent.
 */
export async function replayDeadLetters(env: Pick<Env, "DB" | "SPILL" | "INGEST_QUEUE">): Promise<number> {
  const db = database(env.DB);
  await deleteStored(env);
  const marked = await db
    .select({ id: deadLetters.id, body: deadLetters.body })
    .from(deadLetters)
    .where(eq(deadLetters.state, "replay"))
    .orderBy(asc(deadLetters.lastSeen))
    .limit(MAX_LETTERS);
  let sent = 0;
  for (const { id, body } of marked) {
    const text = body ?? (await (await env.SPILL.get(bodyKey(id)))?.text());
    if (text === undefined) continue;
    await sendAll(env.INGEST_QUEUE, [text]);
    const isMarked = and(eq(deadLetters.id, id), eq(deadLetters.state, "replay"));
    await db.update(deadLetters).set({ state: "sent" }).where(isMarked);
    sent += 1;
  }
  return sent;
}

async function deleteStored(env: Pick<Env, "DB" | "SPILL">): Promise<void> {
  const isDone = and(eq(deadLetters.state, "sent"), isStored(sql`${deadLetters.uuid}`, sql`${deadLetters.content}`));
  const deleted = await database(env.DB)
    .delete(deadLetters)
    .where(isDone)
    .returning({ id: deadLetters.id, isLarge: sql<number>`${deadLetters.body} IS NULL` });
  const large = deleted.filter(({ isLarge }) => isLarge === 1).map(({ id }) => bodyKey(id));
  if (large.length > 0) await env.SPILL.delete(large);
}
