/**
 * JSON without loss: numbers that JavaScript would change (`2.50`, 64-bit integers, `1e999`) keep their text, and keys that
 * look like integers, which JavaScript puts first and sorts, keep their place.
 */

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

/** Levels of objects and lists in a JSON text. Whoever walks a value with more could run out of stack. */
export const MAX_JSON_DEPTH = 1_000;

/** A number that JSON.parse may change, after a key or in a list. A match inside a string only costs time. */
const FRAGILE_NUMBER = /(?:"\s*:|[[,])\s*(?:-0|-?(?:\d+[.eE]|\d{16}))|^\s*-?\d/;

/**
 * A key that looks like an integer, and one that looks like a marked one, in two parts with the place of the mark between
 * them. In valid JSON it matches nothing but keys: a quote that begins a string never stands behind a backslash.
 */
const INTEGER_KEYS = /([^\\]")((?:=|\\u003[dD])*(?:\d|\\u003\d)+"\s*:)/g;
const MARKED_KEY = /^=+\d+$/;

/** A property of objects whose keys JavaScript has moved: all their keys, in the order of the text. Copies have it, too. */
const KEYS = Symbol("keys");

/** A JSON text has more levels than MAX_JSON_DEPTH. */
export class TooDeepError extends Error {}

/**
 * Parses JSON. Numbers that JavaScript would change become RawNumber, and `printJson` knows the order of all keys. Of equal
 * keys in an object the last counts, in the place of the first. Throws SyntaxError, and TooDeepError. Only the reviver
 * recurses, which JSON.parse does not do without one.
 */
export function parseJson(text: string): unknown {
  const marked = text.replace(INTEGER_KEYS, "$1=$2");
  return marked === text ? parseNumbers(text) : unmarked(parseNumbers(marked));
}

/** An object with these keys and values, which `printJson` prints in this order. */
export function inOrder(entries: readonly (readonly [key: string, value: unknown])[]): Record<string, unknown> {
  const keys = [...new Set(entries.map(([key]) => key))];
  const object = Object.fromEntries(entries);
  const isMoved = Object.keys(object).some((key, index) => key !== keys[index]);
  return isMoved ? Object.assign(object, { [KEYS]: keys }) : object;
}

/** The compact text of a value of `parseJson`, with its keys in the order in which they were read. */
export function printJson(value: unknown): string {
  const text = JSON.stringify(value);
  return text.search(INTEGER_KEYS) < 0 ? text : printInOrder(value);
}

function printInOrder(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(printInOrder).join(",")}]`;
  if (typeof value !== "object" || value === null || isRawNumber(value)) return JSON.stringify(value);
  const entries = new Map(Object.entries(value));
  const moved: readonly string[] = KEYS in value ? (value[KEYS] as string[]) : [];
  const keys = new Set([...moved.filter((key) => entries.has(key)), ...entries.keys()]);
  return `{${[...keys].map((key) => `${JSON.stringify(key)}:${printInOrder(entries.get(key))}`).join(",")}}`;
}

function unmarked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unmarked);
  if (typeof value !== "object" || value === null || isRawNumber(value)) return value;
  return inOrder(
    Object.entries(value).map(([key, item]) => [MARKED_KEY.test(key) ? key.slice(1) : key, unmarked(item)]),
  );
}

function parseNumbers(text: string): unknown {
  const value: unknown = JSON.parse(text);
  if (isDeeperThan(value, MAX_JSON_DEPTH)) throw new TooDeepError(`Nested deeper than ${MAX_JSON_DEPTH} levels.`);
  if (!FRAGILE_NUMBER.test(text)) return value;
  return exactJson.parse(text, (_key, value, { source }) =>
    typeof value === "number" && source !== undefined && String(value) !== source ? exactJson.rawJSON(source) : value,
  );
}

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((item) => isDeeperThan(item, levels - 1));
}

/** Whether a value of `parseJson` is a number whose text is kept. */
export const isRawNumber = (value: unknown): value is RawNumber => exactJson.isRawJSON(value);

/**
 * The canonical text of a value, after RFC 8785 (https://www.rfc-editor.org/rfc/rfc8785): keys sorted, no spaces,
 * `2.50` as `2.5`. Numbers with more digits than a double keep their text, so that no two of them become equal by
 * rounding.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (isRawNumber(value)) return canonicalNumber(value.rawJSON);
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(",")}}`;
}

function canonicalNumber(source: string): string {
  const digits = source.replace(/e.*/is, "").replace(/\D/g, "").replace(/^0+/, "");
  const number = Number(source);
  return digits.length <= 15 && Number.isFinite(number) ? JSON.stringify(number) : source;
}
