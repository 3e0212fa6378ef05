/**
 * What a terminal would obey or a reader would not see: control characters, escape sequences included; separators of lines
 * and paragraphs; characters that turn the direction of writing.
 */
const DANGEROUS = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

const NAMES: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** A text of somebody else for a terminal: one line that moves no cursor. What is dangerous is shown as JSON escapes it. */
export const printable = (text: string): string =>
  text.replace(DANGEROUS, (char) => NAMES[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
