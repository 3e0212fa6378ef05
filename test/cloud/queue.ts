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

/** A delivery whose bodies are held in memory, and what is parsed of each until it is settled; `end` gives the bodies back. */
export function heldBatch(
  batch: MessageBatch<unknown>,
  memory: Memory,
): { held: MessageBatch<unknown>; end: () => void } {
  const bodies = batch.messages.map(({ body }) => memory.hold(typeof body === "string" ? sizeOf(body) : 0));
  const messages = batch.messages.map((message) => heldMessage(message, memory));
  const end = () => {
    for (const { settle } of messages) settle();
    for (const release of bodies) release();
  };
  return { held: { ...batch, messages: messages.map(({ held }) => held) }, end };
}

function heldMessage(message: Message<unknown>, memory: Memory) {
  const { id, timestamp, attempts, body } = message;
  let release: (() => void) | undefined;
  const settle = () => release?.();
  const held: Message<unknown> = {
    ...{ id, timestamp, attempts },
    get body() {
      if (typeof body === "string") release ??= memory.hold(sizeOf(body));
      return body;
    },
    ack: () => {
      settle();
      message.ack();
    },
    retry: (options) => {
      if ((options?.delaySeconds ?? 0) > MAX_DELAY_SECONDS) throw new Error("Bad Request: too long a delay.");
      settle();
      message.retry(options);
    },
  };
  return { held, settle };
}
