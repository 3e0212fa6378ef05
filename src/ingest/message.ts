import * as v from "valibot";
import type { NewEvent } from "../events/record.ts";

/**
 * Bytes of one queue message. The queue takes 128,000 with up to 100 of its own
 * (https://developers.cloudflare.com/queues/platform/limits/).
 */
export const MAX_MESSAGE_BYTES = 120_000;

/** An accepted event on its way: everything but who sent it and when, which the message says once for all. */
export type AcceptedEvent = Omit<NewEvent, "producer" | "receivedAt">;

interface Envelope {
  producer: string;
  /** Microseconds. */
  receivedAt: number;
}

const header = v.object({ v: v.literal(1), producer: v.string(), received_at: v.pipe(v.number(), v.safeInteger()) });
const eventLine = v.tuple([v.string(), v.pipe(v.number(), v.safeInteger()), v.string(), v.string()]);
const contextObject = v.record(v.string(), v.unknown());
const encoder = new TextEncoder();

/**
 * Packs events into as few queue messages as fit. A message is lines: a header, then two for each event, its
 * [uuid, created, event_type, message] and its context, which travels as the JSON text it is: nothing is escaped twice,
 * so a message is never larger than what was accepted.
 */
export function packMessages(envelope: Envelope, events: readonly AcceptedEvent[]): string[] {
  const head = JSON.stringify({ v: 1, producer: envelope.producer, received_at: envelope.receivedAt });
  const messages: string[] = [];
  let lines = [head];
  let size = byteLength(head);
  for (const event of events) {
    const text = `${JSON.stringify([event.uuid, event.created, event.eventType, event.message])}\n${event.context}`;
    const bytes = byteLength(text) + 1;
    if (lines.length > 1 && size + bytes > MAX_MESSAGE_BYTES) {
      messages.push(lines.join("\n"));
      lines = [head];
      size = byteLength(head);
    }
    lines.push(text);
    size += bytes;
  }
  return [...messages, lines.join("\n")];
}

/** The events of a message, checked again: what is in a queue may be older than this code. Throws when it is not ours. */
export function unpackMessage(body: unknown): NewEvent[] {
  const [head = "", ...lines] = v.parse(v.string(), body).split("\n");
  const { producer, received_at: receivedAt } = v.parse(header, JSON.parse(head));
  const pairs = Array.from({ length: lines.length / 2 }, (_, index) => lines.slice(index * 2, index * 2 + 2));
  if (lines.length === 0 || lines.length % 2 !== 0) throw new Error("A message holds two lines for each event.");
  return pairs.map(([line = "", context = ""]) => {
    const [uuid, created, eventType, message] = v.parse(eventLine, JSON.parse(line));
    v.parse(contextObject, JSON.parse(context));
    return { uuid, created, eventType, message, context, producer, receivedAt };
  });
}

export const byteLength = (text: string): number => encoder.encode(text).byteLength;
