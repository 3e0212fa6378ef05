/**
 * A UUID in any of the forms Python's `uuid.UUID()` reads — dashes anywhere, upper case, braces, `urn:uuid:` — as 32
 * lower-case hex digits; undefined for anything else.
 */
export function parseUuid(text: string): string | undefined {
  const hex = text
    .replaceAll("urn:", "")
    .replaceAll("uuid:", "")
    .replace(/^[{}]+|[{}]+$/g, "")
    .replaceAll("-", "");
  return /^[0-9a-f]{32}$/i.test(hex) ? hex.toLowerCase() : undefined;
}
