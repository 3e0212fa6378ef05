import { createApp } from "./app.ts";
import { runJobs } from "./cron.ts";
import type { Env } from "./env.ts";
import { ring } from "./feed/ring.ts";
import { consume } from "./ingest/consumer.ts";
import { consumeDeadLetters } from "./ingest/dead-letters/consumer.ts";
import { DEAD_LETTER_QUEUE_NAME, INGEST_QUEUE_NAME } from "./ingest/queue/names.ts";

// The class of a Durable Object is an export of the Worker (wrangler.toml).
export { Bell } from "./feed/bell.ts";

const app = createApp();

export default {
  fetch: (request, env, ctx) => app.fetch(request, env, ctx),
  queue: (batch, env) => queueConsumer(batch.queue)(batch, env),
  scheduled: ({ cron }, env) => runJobs(cron, env),
} satisfies ExportedHandler<Env>;

/** The consumer of a queue of wrangler.toml. Throws for an unknown queue, which is a configuration error. */
function queueConsumer(name: string): (batch: MessageBatch<unknown>, env: Env) => Promise<void> {
  if (name === INGEST_QUEUE_NAME) return consumeAndRing;
  if (name === DEAD_LETTER_QUEUE_NAME) return consumeDeadLetters;
  throw new Error(`No consumer for queue ${name}.`);
}

const consumeAndRing = (batch: MessageBatch<unknown>, env: Env): Promise<void> =>
  consume(batch, env, undefined, undefined, (end) => ring(env, end));
