import { and, asc, eq, sql } from "drizzle-orm";
import { database, runBatch } from "../../db/client.ts";
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

/** An event that was stored by another message than the replay was a duplicate, then. */
async function deleteStored(env: Pick<Env, "DB" | "SPILL">): Promise<void> {
  const [, , deleted] = await runBatch(database(env.DB), [
    sql`UPDATE ingest_days SET dead = dead - done.n, duplicates = duplicates + done.n
      FROM (SELECT producer, day, count(*) AS n FROM dead_letters WHERE ${isDone} GROUP BY producer, day) AS done
      WHERE ingest_days.producer = done.producer AND ingest_days.day = done.day`,
    sql`UPDATE dead_letters SET state = 'stored', day = NULL WHERE ${isDone}`,
    sql`DELETE FROM dead_letters WHERE state = 'stored' RETURNING id, body IS NULL AS is_large`,
  ]);
  const large = (deleted?.results ?? []).filter((row) => row.is_large === 1).map(({ id }) => bodyKey(String(id)));
  if (large.length > 0) await env.SPILL.delete(large);
}

const isDone = sql`state = 'sent' AND ${isStored(sql`dead_letters.uuid`, sql`dead_letters.content`)}`;
