import { sha256 } from "../values/bytes.ts";
import { canonicalJson } from "../values/json.ts";

const UUID_BYTES = 16;

/** What makes two events without an id the same event. */
export interface Content {
  /** Microseconds; null when the producer told no time. */
  created: number | null;
  eventType: string;
  message: string;
  context: unknown;
}

/** An id that a producer gave: where it was found, and its parts. */
export interface GivenId {
  kind: "webhook-id" | "idempotency-key" | "cloudevents";
  parts: readonly (string | number)[];
}

/**
 * The digest of what an event says (32 hex), and the uuid of one that came without an id: a UUIDv8
 * (https://www.rfc-editor.org/rfc/rfc9562#section-5.8) of the SHA-256 of its canonical content. The producer is no part
 * of it: the same event through two hooks is one event.
 */
export const contentUuid = ({ created, eventType, message, context }: Content): Promise<string> =>
  digestUuid(canonicalJson([created, eventType, message, context]));

/** The uuid that an id of a producer stands for. Ids of two producers are never the same. */
export const idUuid = (producer: string, { kind, parts }: GivenId): Promise<string> =>
  digestUuid(JSON.stringify(["id", producer, kind, ...parts]));

/** SHA-256 as a UUIDv8, in 32 hex digits. */
export async function digestUuid(text: string): Promise<string> {
  const bytes = (await sha256(text)).subarray(0, UUID_BYTES);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toHex();
}
