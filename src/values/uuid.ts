/** Characters of the longest text that is read: as many as a value of a query may have. A longer text is no UUID. */
export const MAX_UUID_TEXT = 2_000;

/**
 * Reads a UUID in any form of Python's `uuid.UUID()` (dashes anywhere, upper case, braces, `urn:uuid:`) as 32
 * lower-case hex digits; undefined for any other text.
 */
export function parseUuid(text: string): string | undefined {
  if (text.length > MAX_UUID_TEXT) return undefined;
  const bare = text.replaceAll("urn:", "").replaceAll("uuid:", "");
  const [, digits = ""] = /^[{}]*([\da-f-]+)[{}]*$/i.exec(bare) ?? [];
  const hex = digits.replaceAll("-", "").toLowerCase();
  return hex.length === 32 ? hex : undefined;
}

/** Whether a UUID (32 hex digits) has the version of `digestUuid` (digest-uuid.ts). */
export const isDigest = (uuid: string): boolean => /^.{12}8.{3}[89ab]/.test(uuid);
