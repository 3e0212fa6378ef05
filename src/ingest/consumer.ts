import { database } from "../db/client.ts";
import { isTransient } from "../db/errors.ts";
import type { Env } from "../env.ts";
import { type NewEvent, recordEvents } from "../events/record.ts";
import { unpackMessage } from "./message.ts";

interface Unpacked {
  message: Message<unknown>;
  events: NewEvent[];
}

/** Writes a batch of queue messages; each is acknowledged when its events are in the table, else retried by itself. */
export async function consume(batch: MessageBatch<unknown>, env: Env): Promise<void> {
  const unpacked = batch.messages.flatMap((message): Unpacked[] => {
    try {
      return [{ message, events: unpackMessage(message.body) }];
    } catch (error) {
      give(message, "unreadable", error);
      return [];
    }
  });
  if (unpacked.length > 0) await write(unpacked, env);
}

/** All in one transaction; when that fails for good, in halves, until the message that sank it stands alone. */
async function write(unpacked: Unpacked[], env: Env): Promise<void> {
  try {
    const report = await recordEvents(
      database(env.DB),
      unpacked.flatMap(({ events }) => events),
    );
    for (const { message } of unpacked) message.ack();
    console.log(JSON.stringify({ level: "info", event: "batch_written", messages: unpacked.length, ...report }));
  } catch (error) {
    if (unpacked.length === 1 || isTransient(error)) {
      for (const { message } of unpacked) give(message, "not_written", error);
      return;
    }
    const middle = Math.ceil(unpacked.length / 2);
    await write(unpacked.slice(0, middle), env);
    await write(unpacked.slice(middle), env);
  }
}

/** Back to the queue; after its last retry it becomes a dead letter. */
function give(message: Message<unknown>, reason: string, error: unknown): void {
  const { id, attempts } = message;
  console.error(
    JSON.stringify({ level: "error", event: "message_retried", reason, id, attempts, error: String(error) }),
  );
  message.retry();
}
