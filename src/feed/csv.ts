/** Cells that a spreadsheet may take for a formula begin with one of these, the last ones in East Asian scripts. */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;
const NEEDS_QUOTES = /[",\r\n]/;

/**
 * One record of a table: RFC 4180 (https://www.rfc-editor.org/rfc/rfc4180), with its end. A cell that a spreadsheet would
 * compute gets an apostrophe in front (https://owasp.org/www-community/attacks/CSV_Injection).
 */
export const csvRecord = (cells: readonly string[]): string => `${cells.map(cell).join(",")}\r\n`;

function cell(text: string): string {
  const inert = FORMULA.test(text) ? `'${text}` : text;
  return NEEDS_QUOTES.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert;
}
