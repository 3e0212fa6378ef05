import { hmacSha256, utf8 } from "../values/bytes.ts";

/**
 * Offsets: places in a feed as text, which sort in the order of the feed and are bound to its filter. For a reader who sees
 * every event, an offset shows the number of an entry. For others that number would tell how much they do not see, so it is
 * encrypted, and the time when the offset was made makes them sort.
 */

/** A place in a feed. */
export interface Position {
  /** The incarnation of the log. */
  incarnation: number;
  /** After this entry. */
  after: number;
  /** The newest entry about a deleted period that the reader knows of. */
  period: number;
  /** Microseconds: no event that the reader has is older; Infinity when it has none. For a reader who sees a part. */
  oldest: number;
  /** Milliseconds: when the offset was made; later offsets of a reader have later times. For a reader who sees a part. */
  madeAt: number;
}

/** What an offset was made for. */
export interface Purpose {
  /** Stands for the filter: 12 hex digits. */
  filter: string;
  /** Stands for the objects whose events the reader may see with it: 6 hex digits. */
  sees: string;
}

/** An offset of this filter, made when its reader saw the events of other objects. */
export const OUTGROWN = "outgrown";
type Parsed = Position | typeof OUTGROWN | undefined;

const TIME_DIGITS = 9;
const NUMBER_DIGITS = 11;
const PLAIN = /^([0-9a-z]{9})\.([0-9a-z]{11})\.([0-9a-z]{1,11})\.([0-9a-f]{12})([0-9a-f]{6})$/;
const SEALED = /^([0-9a-z]{9})\.([\w-]{1,200})$/;
const IV_BYTES = 12;
const ID_BYTES = 16;
/** Characters of what is encrypted, so that the length of an offset says nothing. */
const SEALED_LENGTH = 72;

const padded = (value: number, digits: number): string => value.toString(36).padStart(digits, "0");
const fromBase36 = (text: string): number => Number.parseInt(text, 36);

/** The offset of a reader who sees every event. */
export const printPlain = ({ incarnation, after, period }: Position, { filter, sees }: Purpose): string =>
  [padded(incarnation, TIME_DIGITS), padded(after, NUMBER_DIGITS), period.toString(36), filter + sees].join(".");

/** Reads it; undefined for any other text, and for an offset of another filter. */
export function parsePlain(text: string, purpose: Purpose): Parsed {
  const [, incarnation = "", after = "", period = "", filter, sees] = PLAIN.exec(text) ?? [];
  if (filter !== purpose.filter) return undefined;
  if (sees !== purpose.sees) return OUTGROWN;
  const numbers = { incarnation: fromBase36(incarnation), after: fromBase36(after), period: fromBase36(period) };
  return { ...numbers, oldest: Infinity, madeAt: 0 };
}

/** The offset of any other reader. `key`: the secret of the feed, 64 hex digits. */
export async function printSealed(position: Position, { filter, sees }: Purpose, key: string): Promise<string> {
  const { incarnation, after, period, oldest, madeAt } = position;
  const text = JSON.stringify([incarnation, after, period, oldest, sees]).padEnd(SEALED_LENGTH);
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const sealed = await crypto.subtle.encrypt(cipher(iv, madeAt, filter), await aesKey(key), utf8(text));
  const bytes = new Uint8Array([...iv, ...new Uint8Array(sealed)]);
  return `${padded(madeAt, TIME_DIGITS)}.${bytes.toBase64({ alphabet: "base64url", omitPadding: true })}`;
}

/** Reads it; undefined for any other text, and for an offset of another filter or of another database. */
export async function parseSealed(text: string, { filter, sees }: Purpose, key: string): Promise<Parsed> {
  const [, time = "", sealed = ""] = SEALED.exec(text) ?? [];
  if (sealed === "") return undefined;
  const madeAt = fromBase36(time);
  try {
    const bytes = Uint8Array.fromBase64(sealed, { alphabet: "base64url" });
    const [iv, rest] = [bytes.subarray(0, IV_BYTES), bytes.subarray(IV_BYTES)];
    const plain = await crypto.subtle.decrypt(cipher(iv, madeAt, filter), await aesKey(key), rest);
    const [incarnation, after, period, oldest, seen]: Sealed = JSON.parse(new TextDecoder().decode(plain));
    return seen === sees ? { incarnation, after, period, oldest: oldest ?? Infinity, madeAt } : OUTGROWN;
  } catch {
    // Not base64, or not encrypted with this key for this filter.
    return undefined;
  }
}

/** What stands for the id of an event, for a reader who does not know ids: 32 hex digits, the same for ever. */
export async function hiddenId(id: number, key: string): Promise<string> {
  return (await hmacSha256(Uint8Array.fromHex(key), utf8(String(id)))).subarray(0, ID_BYTES).toHex();
}

/** What an offset has encrypted. JSON has no Infinity. */
type Sealed = [incarnation: number, after: number, period: number, oldest: number | null, sees: string];

const cipher = (iv: Uint8Array, madeAt: number, filter: string) => ({
  ...{ name: "AES-GCM", iv: iv as Uint8Array<ArrayBuffer> },
  additionalData: utf8(`${madeAt} ${filter}`) as Uint8Array<ArrayBuffer>,
});

const aesKey = (key: string): Promise<CryptoKey> =>
  crypto.subtle.importKey("raw", Uint8Array.fromHex(key), "AES-GCM", false, ["encrypt", "decrypt"]);
