import { withStatementBudget } from "../db/budget.ts";
import type { Env } from "../env.ts";
import { unavailable } from "../http/errors.ts";
import { enqueue } from "./queue/enqueue.ts";
import { unpackMessage } from "./queue/message.ts";
import type { Delivered } from "./statistics/delivered.ts";
import { transactions } from "./transactions.ts";
import { writeEvents } from "./write.ts";

/** Returns when the messages are durable. `now` in microseconds; `later` runs work after the response. */
export async function makeDurable(
  env: Env,
  messages: readonly string[],
  now: number,
  later: (work: Promise<unknown>) => void,
): Promise<void> {
  if (env.INGEST_DURABLE === "store" && (await isStored(env, messages, now))) return;
  await enqueue(env, messages, now, later);
}

/**
 * Writes the events before the response, for a queue that does not survive a crash. Throws 503 while the database does not
 * answer. Events that the database rejects for good go to the queue, and end as dead letters.
 */
async function isStored(env: Env, messages: readonly string[], now: number): Promise<boolean> {
  const DB = withStatementBudget(env.DB);
  let failed = 0;
  for (const some of transactions(deliveredIn(messages))) {
    const { failures, halted } = await writeEvents(DB, some, now);
    if (halted) throw unavailable("The events could not be stored; send them again.");
    failed += failures.size;
  }
  return failed === 0;
}

function* deliveredIn(messages: readonly string[]): Generator<Delivered> {
  for (const content of messages.map(unpackMessage)) {
    if (content.kind !== "events") continue;
    for (const event of content.events) yield { event, replay: content.replay };
  }
}
