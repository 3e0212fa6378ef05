/** What became of a message of a batch: acknowledged, or back after so many seconds. */
export type Outcome = "acked" | { retriedAfter: number };

/** A batch of queue messages that remembers what the consumer did with each; the first call counts, as on the platform. */
export function aBatch(queue: string, bodies: readonly { body: unknown; attempts?: number }[]) {
  const outcomes = new Map<string, Outcome>();
  const settle = (id: string, outcome: Outcome) => {
    if (!outcomes.has(id)) outcomes.set(id, outcome);
  };
  const messages = bodies.map(({ body, attempts = 1 }, index) => ({
    id: String(index),
    timestamp: new Date(0),
    attempts,
    body,
    ack: () => settle(String(index), "acked"),
    retry: ({ delaySeconds = 0 }: QueueRetryOptions = {}) => settle(String(index), { retriedAfter: delaySeconds }),
  }));
  const everyMessage = (outcome: Outcome) => {
    for (const { id } of messages) settle(id, outcome);
  };
  const batch: MessageBatch<unknown> = {
    queue,
    messages,
    metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } },
    ackAll: () => everyMessage("acked"),
    retryAll: ({ delaySeconds = 0 } = {}) => everyMessage({ retriedAfter: delaySeconds }),
  };
  return { batch, outcomes };
}
