import { utf8 } from "../../src/values/bytes.ts";
import { type Memory, sizeOf } from "./memory.ts";

/*
 * A queue with its limits. Documented (https://developers.cloudflare.com/queues/platform/limits/): the numbers below; up to
 * 100 bytes of a message are the queue's own.
 *
 * Assumed: the texts of the errors.
 */

const MAX_MESSAGE_BYTES = 128_000;
const OWN_BYTES = 100;
const MAX_SEND_BYTES = 256_000;
const MAX_SEND_MESSAGES = 100;
const MAX_DELAY_SECONDS = 86_400;

const known = new WeakMap<Queue<string>, Queue<string>>();

/** What a producer calls of a queue, with the limits; the same for the same binding, as in an isolate. */
export function cloudQueue(binding: Queue<string>): Queue<string> {
  const limited = known.get(binding) ?? withLimits(binding);
  known.set(binding, limited);
  return limited;
}

const withLimits = (binding: Queue<string>): Queue<string> => ({
  send: async (body, options) => {
    check([body]);
    return await binding.send(body, options);
  },
  sendBatch: async (messages, options) => {
    const all = [...messages];
    check(all.map(({ body }) => body));
    return await binding.sendBatch(all, options);
  },
  metrics: () => binding.metrics(),
});

function check(bodies: readonly string[]): void {
  const sizes = bodies.map((body) => utf8(body).byteLength + OWN_BYTES);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (sizes.some((size) => size > MAX_MESSAGE_BYTES)) throw new Error("Payload Too Large: a message.");
  if (bodies.length > MAX_SEND_MESSAGES) throw new Error("Bad Request: too many messages.");
  if (total > MAX_SEND_BYTES) throw new Error("Payload Too Large: a batch.");
}

/**
 * A delivery whose bodies are held in memory, and what is parsed of each until it is settled. `end` gives the bodies back;
 * `mostOpen` tells how many messages were read and not settled at one time.
 */
export function heldBatch(batch: MessageBatch<unknown>, memory: Memory) {
  const bodies = batch.messages.map(({ body }) => memory.hold(sizeOfBody(body)));
  const open = new Map<string, () => void>();
  let mostOpen = 0;
  const read = ({ id, body }: Message<unknown>) => {
    if (!open.has(id)) open.set(id, memory.hold(sizeOfBody(body)));
    mostOpen = Math.max(mostOpen, open.size);
    return body;
  };
  const settle = ({ id }: Message<unknown>) => {
    open.get(id)?.();
    open.delete(id);
  };
  const end = () => {
    for (const message of batch.messages) settle(message);
    for (const release of bodies) release();
  };
  const messages = batch.messages.map((message) => heldMessage(message, read, settle));
  return { held: { ...batch, messages }, end, mostOpen: () => mostOpen };
}

const sizeOfBody = (body: unknown): number => (typeof body === "string" ? sizeOf(body) : 0);

function heldMessage(
  message: Message<unknown>,
  read: (message: Message<unknown>) => unknown,
  settle: (message: Message<unknown>) => void,
): Message<unknown> {
  const { id, timestamp, attempts } = message;
  return {
    ...{ id, timestamp, attempts },
    get body() {
      return read(message);
    },
    ack: () => {
      settle(message);
      message.ack();
    },
    retry: (options) => {
      if ((options?.delaySeconds ?? 0) > MAX_DELAY_SECONDS) throw new Error("Bad Request: too long a delay.");
      settle(message);
      message.retry(options);
    },
  };
}
