import type { Env } from "../../src/env.ts";
import { INGEST_QUEUE_NAME } from "../../src/ingest/queue/names.ts";
import worker from "../../src/worker.ts";
import { bindings } from "./world.ts";

/** What the consumer did with a message: acknowledged it, gave it back for so many seconds, or neither. */
export type Outcome = "acked" | { retriedAfter: number } | undefined;

/**
 * A batch of queue messages, by default so old that nothing is known of the watermark, with the outcome of each in their order; the first call counts, as on the platform. The
 * test runner's own createMessageBatch does not keep the delay of a retry.
 */
export function aBatch(
  queue: string,
  given: readonly { body: unknown; attempts?: number; timestamp?: Date }[],
  metrics: MessageBatchMetrics = { backlogCount: 0, backlogBytes: 0 },
) {
  const outcomes: Outcome[] = given.map(() => undefined);
  const settle = (index: number, outcome: Outcome) => {
    outcomes[index] ??= outcome;
  };
  const settleAll = (outcome: Outcome) => {
    for (const index of given.keys()) settle(index, outcome);
  };
  const messages = given.map(({ body, attempts = 1, timestamp = new Date(0) }, index) => ({
    id: String(index),
    timestamp,
    attempts,
    body,
    ack: () => settle(index, "acked"),
    retry: ({ delaySeconds = 0 }: QueueRetryOptions = {}) => settle(index, { retriedAfter: delaySeconds }),
  }));
  const batch: MessageBatch<unknown> = {
    queue,
    messages,
    metadata: { metrics },
    ackAll: () => settleAll("acked"),
    retryAll: ({ delaySeconds = 0 } = {}) => settleAll({ retriedAfter: delaySeconds }),
  };
  return { batch, outcomes };
}

/** Delivers bodies to the Worker as one batch of a queue; returns the outcome of each. */
export async function deliver(
  bodies: readonly unknown[],
  changed: Partial<Env> = {},
  { queue = INGEST_QUEUE_NAME, attempts = 1 } = {},
): Promise<Outcome[]> {
  const { batch, outcomes } = aBatch(
    queue,
    bodies.map((body) => ({ body, attempts })),
  );
  await worker.queue(batch, bindings(changed));
  return outcomes;
}
