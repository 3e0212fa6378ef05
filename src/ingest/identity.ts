import { canonicalJson } from "./json.ts";

/** What makes two events without a uuid the same event. `created` in microseconds. */
export interface Content {
  created: number;
  eventType: string;
  message: string;
  context: unknown;
}

/**
 * The uuid (32 hex) of an event that came without one: a UUIDv8 (https://www.rfc-editor.org/rfc/rfc9562#section-5.8) of
 * the SHA-256 of its canonical content. The producer is no part of it: the same event through two hooks is one event.
 */
export async function contentUuid({ created, eventType, message, context }: Content): Promise<string> {
  const text = canonicalJson([created, eventType, message, context]);
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  const bytes = new Uint8Array(digest, 0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toHex();
}
