const SPACE = /[ \t\n\r]*/y;
const LITERAL = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const STRING_END = /["\\\u0000-\u001f]|$/g;
const ESCAPE = /\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4})/y;

/**
 * The position of the first error in a text that JSON.parse has refused, in characters from 0; the length of a text
 * that ends too soon. JSON.parse's own message has the position only sometimes. No recursion, linear time.
 */
export function jsonErrorPosition(text: string): number {
  const open: ("{" | "[")[] = [];
  let expects: "value" | "first item" | "first key" | "key" | "comma" = "value";
  let at = after(SPACE, text, 0) ?? 0;
  while (at < text.length) {
    const start = at;
    const mark = text[at];
    const inside = open.at(-1);
    if (expects === "comma") {
      const closes = mark === (inside === "{" ? "}" : "]");
      if (inside === undefined || (!closes && mark !== ",")) return start;
      if (closes) open.pop();
      else expects = inside === "{" ? "key" : "value";
      at += 1;
    } else if ((expects === "first key" && mark === "}") || (expects === "first item" && mark === "]")) {
      open.pop();
      expects = "comma";
      at += 1;
    } else if (expects === "key" || expects === "first key") {
      const [end, bad] = mark === '"' ? stringEnd(text, at) : [undefined, start];
      if (end === undefined) return bad;
      at = after(SPACE, text, end) ?? end;
      if (text[at] !== ":") return at;
      at += 1;
      expects = "value";
    } else if (mark === "{" || mark === "[") {
      open.push(mark);
      expects = mark === "{" ? "first key" : "first item";
      at += 1;
    } else {
      const [end, bad] = mark === '"' ? stringEnd(text, at) : [after(LITERAL, text, at), start];
      if (end === undefined) return bad;
      expects = "comma";
      at = end;
    }
    at = after(SPACE, text, at) ?? at;
  }
  return text.length;
}

/** The end of the pattern, if it matches at this position. */
function after(pattern: RegExp, text: string, at: number): number | undefined {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}

/** The end of the string that begins here, or the position of its error. */
function stringEnd(text: string, start: number): [end: number, bad: number] | [end: undefined, bad: number] {
  let at = start + 1;
  for (;;) {
    STRING_END.lastIndex = at;
    const stop = STRING_END.exec(text)?.index ?? text.length;
    if (text[stop] === '"') return [stop + 1, stop];
    const escaped = text[stop] === "\\" ? after(ESCAPE, text, stop) : undefined;
    if (escaped === undefined) return [undefined, stop];
    at = escaped;
  }
}
