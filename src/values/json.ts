/** JSON with nothing lost: numbers that JavaScript would change (`2.50`, 64-bit integers, `1e999`) keep their text. */

/** A number whose text is kept; see JSON.rawJSON. */
export interface RawNumber {
  readonly rawJSON: string;
}

interface ExactJson {
  parse(text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown): unknown;
  rawJSON(text: string): RawNumber;
  isRawJSON(value: unknown): value is RawNumber;
}

// In the language since ES2026, in workerd's V8, not yet in TypeScript's library.
const exactJson: ExactJson = JSON as unknown as ExactJson;

/** A number that may not survive JSON.parse (after a key, or in a list); may also hit inside a text, which only costs time. */
const FRAGILE_NUMBER = /(?:"\s*:|[[,])\s*(?:-0|-?(?:\d+[.eE]|\d{16}))|^\s*-?\d/;

/** Parses JSON; throws SyntaxError as JSON.parse does. Numbers that would change become RawNumber. */
export function parseJson(text: string): unknown {
  if (!FRAGILE_NUMBER.test(text)) return JSON.parse(text);
  return exactJson.parse(text, (_key, value, { source }) =>
    typeof value === "number" && source !== undefined && String(value) !== source ? exactJson.rawJSON(source) : value,
  );
}

export const isRawNumber = (value: unknown): value is RawNumber => exactJson.isRawJSON(value);

/**
 * One text for every way to write the same value, after RFC 8785 (https://www.rfc-editor.org/rfc/rfc8785): keys sorted,
 * no spaces, `2.50` as `2.5`. Numbers of more digits than a double holds keep their text, so that two of them never agree
 * by rounding.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (isRawNumber(value)) return canonicalNumber(value.rawJSON);
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(",")}}`;
}

function canonicalNumber(source: string): string {
  const digits = source.replace(/e.*$/i, "").replace(/\D/g, "").replace(/^0+/, "");
  const number = Number(source);
  return digits.length <= 15 && Number.isFinite(number) ? JSON.stringify(number) : source;
}
