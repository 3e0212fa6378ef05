/**
 * Case folding as PostgreSQL's `UPPER()` does it (what Waldur's `message` filter compares): letter by letter, beyond
 * ASCII too (õ → Õ). A letter whose upper case is several letters (ß, ŉ) stays as it is.
 */
export function fold(text: string): string {
  if (/^[\x00-\x7f]*$/.test(text)) return text.toUpperCase();
  let folded = "";
  for (const letter of text) {
    const upper = letter.toUpperCase();
    folded += upper.length === letter.length || [...upper].length === 1 ? upper : letter;
  }
  return folded;
}

/** SQLite's own `upper()`: ASCII only. Where it equals `fold`, the folded text need not be stored. */
export const asciiUpper = (text: string): string => text.replace(/[a-z]+/g, (letters) => letters.toUpperCase());
