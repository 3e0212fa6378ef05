import * as v from "valibot";
import type { NewEvent } from "../../events/event.ts";
import { byteLength } from "../../values/bytes.ts";
import type { AcceptedEvent } from "../event.ts";

/**
 * Bytes of one queue message. The queue takes 128,000 with up to 100 of its own
 * (https://developers.cloudflare.com/queues/platform/limits/).
 */
export const MAX_MESSAGE_BYTES = 120_000;

/** Rejected requests: [producer, day, reason, requests]. */
export type Rejections = [string, string, string, number][];

/** The sender of a message and its time of receipt. */
export interface Envelope {
  producer: string;
  /** Microseconds, random below the millisecond, so that a second request differs from a second delivery. */
  receivedAt: number;
  /** A dead letter that is sent again; it was counted as accepted before. */
  replay?: boolean;
  /** The rights of the producer when it sent the events. */
  tellsPlaces?: boolean;
  isUpstream?: boolean;
}

/** The content of a queue message. */
export type Content =
  | { kind: "events"; events: NewEvent[]; replay: boolean }
  | { kind: "rejections"; counts: Rejections };

const integer = v.pipe(v.number(), v.safeInteger());
const rejections = v.object({
  v: v.literal(2),
  rejections: v.array(v.tuple([v.string(), v.string(), v.string(), integer])),
});
const header = v.object({
  v: v.literal(2),
  producer: v.string(),
  received_at: integer,
  replay: v.optional(v.boolean(), false),
  tells_places: v.optional(v.boolean(), false),
  is_upstream: v.optional(v.boolean(), false),
});
const eventLine = v.tuple([v.string(), integer, v.string(), v.string(), v.nullable(v.string())]);

/**
 * Packs events into as few queue messages as possible. A message has lines: a header, then two lines for each event,
 * `[uuid, created, event_type, message, content]` and the context. The context stays the JSON text that it is and is not
 * escaped again, so a message is never larger than the accepted events.
 */
export function packMessages(envelope: Envelope, events: readonly AcceptedEvent[]): string[] {
  const head = headOf(envelope);
  const messages: string[] = [];
  let lines = [head];
  let size = byteLength(head);
  for (const event of events) {
    const { uuid, created, eventType, message, content = null } = event;
    const text = `${JSON.stringify([uuid, created, eventType, message, content])}\n${event.context}`;
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

const headOf = ({ producer, receivedAt, replay, tellsPlaces, isUpstream }: Envelope): string =>
  JSON.stringify({
    v: 2,
    producer,
    received_at: receivedAt,
    ...(replay ? { replay } : {}),
    ...(tellsPlaces ? { tells_places: true } : {}),
    ...(isUpstream ? { is_upstream: true } : {}),
  });

/** One event as a message of its own. */
export const packOne = (event: NewEvent, replay: boolean): string =>
  packMessages({ ...event, replay }, [event]).join("");

/** A queue message with counts of rejected requests. */
export const packRejections = (counts: Rejections): string => JSON.stringify({ v: 2, rejections: counts });

/** Reads a message and checks it, because it may be older than this code. Throws when it is not a message of ours. */
export function unpackMessage(body: unknown): Content {
  const [head = "", ...lines] = v.parse(v.string(), body).split("\n");
  const first: unknown = JSON.parse(head);
  if (lines.length === 0) return { kind: "rejections", counts: v.parse(rejections, first).rejections };
  const { replay, ...sender } = v.parse(header, first);
  const rights = { tellsPlaces: sender.tells_places, isUpstream: sender.is_upstream };
  const from = { producer: sender.producer, receivedAt: sender.received_at, ...rights };
  if (lines.length % 2 !== 0) throw new Error("A message holds two lines for each event.");
  const pairs = Array.from({ length: lines.length / 2 }, (_, index) => lines.slice(index * 2, index * 2 + 2));
  const events = pairs.map(([line = "", context = ""]) => {
    const [uuid, created, eventType, message, content] = v.parse(eventLine, JSON.parse(line));
    assertObject(JSON.parse(context));
    return { uuid, created, eventType, message, context, ...from, ...(content ? { content } : {}) };
  });
  return { kind: "events", events, replay };
}

function assertObject(value: unknown): void {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error("A context is an object.");
}
