/** A place in the order of a list: right after, or right before, the event with this time and id. */
export interface Cursor {
  direction: "after" | "before";
  /** Microseconds. */
  created: number;
  id: number;
}

/** A page token, as it stands in `page`. */
export interface PageToken extends Cursor {
  /** Shown to clients that count pages. */
  number: number;
  /** Of the query it was made for. */
  fingerprint: string;
}

const TOKEN = /^([1-9]\d{0,11})\.([ab])_(~?)([0-9a-z]{1,11})_([0-9a-z]{1,11})_([0-9a-f]{12})$/;

/**
 * `<page number>.<direction>_<time>_<id>_<fingerprint>`, of letters, digits and `_~.`: parseInt of it is the page number,
 * and clients that follow `rel="next"` send it back unread.
 */
export function printToken({ number, direction, created, id, fingerprint }: PageToken): string {
  const time = `${created < 0 ? "~" : ""}${Math.abs(created).toString(36)}`;
  return `${number}.${direction === "after" ? "a" : "b"}_${time}_${id.toString(36)}_${fingerprint}`;
}

/** undefined for what is not a token. */
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
