import { sha256 } from "./bytes.ts";

const UUID_BYTES = 16;

/** SHA-256 of a text as a UUIDv8 (https://www.rfc-editor.org/rfc/rfc9562#section-5.8), in 32 hex digits. */
export async function digestUuid(text: string): Promise<string> {
  const bytes = (await sha256(text)).subarray(0, UUID_BYTES);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toHex();
}
