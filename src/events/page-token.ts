/** A position in a list: right after, or right before, the event with this time and id. */
export interface Cursor {
  direction: "after" | "before";
  /** Microseconds. */
  created: number;
  id: number;
}

/** The content of a page token, which is a value of the parameter `page`. */
export interface PageToken extends Cursor {
  /** The page number, for clients that show one. */
  number: number;
  /** The fingerprint of its query. */
  fingerprint: string;
}

const TOKEN = /^([1-9]\d{0,11})\.([ab])_(~?)([0-9a-z]{1,11})_([0-9a-z]{1,11})_([0-9a-f]{12})$/;

/**
 * `<page number>.<direction>_<time>_<id>_<fingerprint>`, in letters, digits and `_~.`: parseInt of it is the page
 * number, and clients that follow `rel="next"` send it back unread.
 */
export function printToken({ number, direction, created, id, fingerprint }: PageToken): string {
  const time = `${created < 0 ? "~" : ""}${Math.abs(created).toString(36)}`;
  return `${number}.${direction === "after" ? "a" : "b"}_${time}_${id.toString(36)}_${fingerprint}`;
}

/** Reads a token; undefined for any other text. */
export function parseToken(text: string): PageToken | undefined {
  const match = TOKEN.exec(text);
  if (match === null) return undefined;
  const [, number = "", letter = "", sign = "", time = "", id = "", fingerprint = ""] = match;
  const created = Number.parseInt(time, 36) * (sign === "~" ? -1 : 1);
  const token: PageToken = {
    number: Number(number),
    direction: letter === "a" ? "after" : "before",
    created,
    id: Number.parseInt(id, 36),
    fingerprint,
  };
  return Number.isSafeInteger(created) && Number.isSafeInteger(token.id) ? token : undefined;
}
