import { sql } from "drizzle-orm";
import { database, runBatch } from "../../db/client.ts";
import type { Env } from "../../env.ts";
import { storedContent } from "../../events/write/identity.ts";
import { bodyKey } from "../queue/keys.ts";
import { sendAll } from "../queue/send.ts";

/** Letters in one run, which is a minute after the last. */
const MAX_LETTERS = 100;

/**
 * Sends dead letters that `npm run admin -- dead-letters replay` has marked back to the queue, and removes those sent
 * before whose event is stored now. A letter keeps its event's identity, so it may be sent twice.
 */
export async function replayLetters(env: Pick<Env, "DB" | "SPILL" | "INGEST_QUEUE">): Promise<number> {
  const db = database(env.DB);
  await removeStored(env);
  const [marked] = await runBatch(db, [
    sql`SELECT id, body FROM dead_letters WHERE state = 'replay' ORDER BY last_seen LIMIT ${MAX_LETTERS}`,
  ]);
  let sent = 0;
  for (const { id, body } of marked?.results ?? []) {
    const text = typeof body === "string" ? body : await (await env.SPILL.get(bodyKey(String(id))))?.text();
    if (text === undefined) continue;
    await sendAll(env.INGEST_QUEUE, [text]);
    await runBatch(db, [sql`UPDATE dead_letters SET state = 'sent' WHERE id = ${id} AND state = 'replay'`]);
    sent += 1;
  }
  return sent;
}

async function removeStored(env: Pick<Env, "DB" | "SPILL">): Promise<void> {
  const [removed] = await runBatch(database(env.DB), [
    sql`DELETE FROM dead_letters WHERE state = 'sent' AND EXISTS (SELECT 1 FROM events
        WHERE events.uuid = dead_letters.uuid AND ${storedContent} = dead_letters.content)
      RETURNING id, body IS NULL AS large`,
  ]);
  const large = removed?.results.filter((row) => row.large === 1).map(({ id }) => bodyKey(String(id))) ?? [];
  if (large.length > 0) await env.SPILL.delete(large);
}
