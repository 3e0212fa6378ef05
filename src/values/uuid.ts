/**
 * Reads a UUID in any form of Python's `uuid.UUID()` (dashes anywhere, upper case, braces, `urn:uuid:`) as 32
 * lower-case hex digits; undefined for any other text.
 */
export function parseUuid(text: string): string | undefined {
  const hex = text
    .replaceAll("urn:", "")
    .replaceAll("uuid:", "")
    .replace(/^[{}]+|[{}]+$/g, "")
    .replaceAll("-", "");
  return /^[0-9a-f]{32}$/i.test(hex) ? hex.toLowerCase() : undefined;
}

/** Whether a UUID (32 hex digits) has the version of `digestUuid` (digest-uuid.ts). */
export const isDigest = (uuid: string): boolean => /^.{12}8.{3}[89ab]/.test(uuid);
