/**
 * A queue that keeps what it is sent, so that a test decides when it is delivered: events in `bodies`, messages sent one
 * by one (refused requests, dead letters) in `notes`.
 */
export function aQueue({ backlog = 0 } = {}) {
  const bodies: string[] = [];
  const notes: string[] = [];
  const queue = asQueue({
    send: async (body: string) => void notes.push(body),
    sendBatch: async (messages: Iterable<{ body: string }>) => {
      for (const { body } of messages) bodies.push(body);
    },
    metrics: async () => ({ backlogCount: backlog, backlogBytes: 0 }),
  });
  return { queue, bodies, notes };
}

/** A queue that rejects every call. */
export const aRefusingQueue = () =>
  asQueue({
    send: () => Promise.reject(new Error("Too Many Requests")),
    sendBatch: () => Promise.reject(new Error("Too Many Requests")),
    metrics: () => Promise.reject(new Error("Too Many Requests")),
  });

/** A queue of the methods that the Worker calls. */
export const asQueue = (queue: object) => queue as Queue<string>;
