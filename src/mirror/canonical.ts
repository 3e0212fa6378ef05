import { sha256Hex } from "../values/bytes.ts";
import { isRawNumber } from "../values/json.ts";
import { printTime } from "../values/time.ts";

/*
 * The digest of events: the SHA-256 of one line for each event, sorted by bytes, each ending in a newline. A line is what
 * `jq -cS` prints of [uuid, created, event_type, message, context], with every number in the form of `number` below, so
 * that all versions of jq print the same. src/mirror/README.md has the script.
 */

/** What a line is made of. `created` in microseconds; `context` parsed, by JSON.parse or parseJson. */
export interface Digestible {
  uuid: string;
  created: number;
  eventType: string;
  message: string;
  context: unknown;
}

export const canonicalLine = ({ uuid, created, eventType, message, context }: Digestible): string =>
  `[${[uuid, printTime(created), eventType, message, context].map(canonical).join(",")}]`;

/** The digest of lines in any order: 64 hex digits. All lines begin with a uuid, in ASCII, and so sort as their bytes do. */
export function digestOf(lines: readonly string[]): Promise<string> {
  const sorted = [...lines].sort((a, b) => (a < b ? -1 : 1));
  return sha256Hex(sorted.map((line) => `${line}\n`).join(""));
}

function canonical(value: unknown): string {
  if (typeof value === "string") return text(value);
  if (typeof value === "number") return number(value);
  if (isRawNumber(value)) return number(Number(value.rawJSON));
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => byCodePoint(a, b));
  return `{${entries.map(([key, item]) => `${text(key)}:${canonical(item)}`).join(",")}}`;
}

/** jq escapes DEL, which JSON.stringify does not. */
const text = (value: string): string => JSON.stringify(value).replaceAll("\x7f", "\\u007f");

const SURROGATE = /[\ud800-\udfff]/;

/** jq sorts keys by code points, JavaScript by UTF-16 units. They differ where surrogates are. */
function byCodePoint(a: string, b: string): number {
  if (!SURROGATE.test(a) && !SURROGATE.test(b)) return a < b ? -1 : 1;
  const [left, right] = [[...a], [...b]];
  const at = left.findIndex((letter, index) => letter !== right[index]);
  if (at < 0) return -1;
  return (left[at]?.codePointAt(0) ?? -1) - (right[at]?.codePointAt(0) ?? -1);
}

/** Whole numbers up to this are printed with all their digits. */
const PLAIN = 1e15;
/** 2^53: it makes the fraction of a double whole. */
const FRACTION = 9_007_199_254_740_992;

/**
 * A double as JSON: a whole number, or `{"double":[fraction × 2^53, exponent]}` as frexp(3) has them; the largest one, and
 * what is beyond it, as its sign.
 */
function number(value: number): string {
  if (Math.floor(value) === value && Math.abs(value) < PLAIN) return String(value + 0);
  if (Math.abs(value) >= Number.MAX_VALUE) return `{"double":[${Math.sign(value)}]}`;
  const [fraction, exponent] = frexp(value);
  return `{"double":[${fraction * FRACTION},${exponent}]}`;
}

/** Smaller numbers than 2^-1022 have fewer digits; they are made larger first. */
const SUBNORMAL = 2 ** -1022;
const ENLARGED = 54;

function frexp(value: number): [fraction: number, exponent: number] {
  if (Math.abs(value) < SUBNORMAL) {
    const [fraction, exponent] = frexp(value * 2 ** ENLARGED);
    return [fraction, exponent - ENLARGED];
  }
  let exponent = Math.floor(Math.log2(Math.abs(value))) + 1;
  // In two steps, because 2 ** -1024 and 2 ** 1074 are no doubles.
  let fraction = value / 2 ** Math.trunc(exponent / 2) / 2 ** (exponent - Math.trunc(exponent / 2));
  if (Math.abs(fraction) >= 1) [fraction, exponent] = [fraction / 2, exponent + 1];
  if (Math.abs(fraction) < 0.5) [fraction, exponent] = [fraction * 2, exponent - 1];
  return [fraction, exponent];
}
