/**
 * Folds case like PostgreSQL's `UPPER()`, which Waldur's `message` filter uses: letter by letter, beyond ASCII too (õ
 * → Õ). A letter whose upper case has several letters (ß, ŉ) stays as it is.
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

/** Folds case like SQLite's `upper()`: ASCII only. A folded text that equals it need not be stored. */
export const asciiUpper = (text: string): string => text.replace(/[a-z]+/g, (letters) => letters.toUpperCase());
