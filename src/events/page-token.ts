/** A position in a list: right after, or right before, an event. */
export interface Cursor {
  direction: "after" | "before";
  /** Of the event, microseconds. */
  created: number;
  /** The event: its id, or for those who may not learn how many events there are, its uuid. */
  event: number | string;
}

/** The content of a page token, which is a value of the parameter `page`. */
export interface PageToken extends Cursor {
  /** The page number, for clients that show one. */
  number: number;
  /** The fingerprint of its query. */
  fingerprint: string;
  /** The incarnation of the log (migrations/0018); undefined in tokens that are older than incarnations. */
  incarnation?: number | undefined;
}

const TOKEN =
  /^([1-9]\d{0,11})\.([ab])_(~?)([0-9a-z]{1,11})_([0-9a-z]{1,11}|[0-9a-f]{32})_([0-9a-f]{12})(?:_([0-9a-z]{1,9}))?$/;
const UUID_DIGITS = 32;

/**
 * `<page number>.<direction>_<time>_<event>_<fingerprint>_<incarnation>`, in letters, digits and `_~.`: parseInt of it is the
 * page number, and clients that follow `rel="next"` send it back unread.
 */
export function printToken({ number, direction, created, event, fingerprint, incarnation }: PageToken): string {
  const time = `${created < 0 ? "~" : ""}${Math.abs(created).toString(36)}`;
  const key = typeof event === "number" ? event.toString(36) : event;
  const last = incarnation === undefined ? "" : `_${incarnation.toString(36)}`;
  return `${number}.${direction === "after" ? "a" : "b"}_${time}_${key}_${fingerprint}${last}`;
}

/** Reads a token; undefined for any other text. */
export function parseToken(text: string): PageToken | undefined {
  const match = TOKEN.exec(text);
  if (match === null) return undefined;
  const [, number = "", letter = "", sign = "", time = "", key = "", fingerprint = "", last] = match;
  const created = Number.parseInt(time, 36) * (sign === "~" ? -1 : 1);
  const event = key.length === UUID_DIGITS ? key : Number.parseInt(key, 36);
  if (!Number.isSafeInteger(created) || (typeof event === "number" && !Number.isSafeInteger(event))) return undefined;
  const incarnation = last === undefined ? undefined : Number.parseInt(last, 36);
  return {
    number: Number(number),
    direction: letter === "a" ? "after" : "before",
    created,
    event,
    fingerprint,
    incarnation,
  };
}
