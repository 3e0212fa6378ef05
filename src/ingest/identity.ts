import { digestUuid } from "../values/digest-uuid.ts";
import { canonicalJson } from "../values/json.ts";

/** Two events without an id are the same event when these are equal. */
export interface Content {
  /** Microseconds; null when the producer gave no time. */
  created: number | null;
  eventType: string;
  message: string;
  context: unknown;
}

/** An id from a producer: where it was found, and its parts. */
export interface GivenId {
  kind: "webhook-id" | "idempotency-key" | "body" | "cloudevents" | "uuid";
  parts: readonly (string | number)[];
}

/**
 * The digest of the content of an event, which is also the uuid of an event without an id: 32 hex digits, a UUIDv8
 * (https://www.rfc-editor.org/rfc/rfc9562#section-5.8) of the SHA-256 of the canonical content. It does not depend on the
 * producer: the same event from two web hooks is one event.
 */
export const contentUuid = ({ created, eventType, message, context }: Content): Promise<string> =>
  digestUuid(canonicalJson([created, eventType, message, context]));

/** The uuid for an id from a producer. The same id from two producers gives two uuids. */
export const idUuid = (producer: string, { kind, parts }: GivenId): Promise<string> =>
  digestUuid(JSON.stringify(["id", producer, kind, ...parts]));

/**
 * The uuid for an event whose own uuid belongs to an event of another producer. The same each time it is sent. `content`:
 * of the event, when the uuid without it belongs to another event of its producer.
 */
export const substituteUuid = (producer: string, uuid: string, ...content: string[]): Promise<string> =>
  idUuid(producer, { kind: "uuid", parts: [uuid, ...content] });
