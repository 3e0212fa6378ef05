const GAP = "  ";

/** Rows below their headings. Columns are as wide as their content; on a terminal, lines are cut at its width. */
export function table(
  headings: readonly string[],
  rows: readonly (readonly unknown[])[],
  width = process.stdout.columns ?? Number.POSITIVE_INFINITY,
): string {
  const texts = [headings, ...rows].map((row) => row.map((value) => String(value ?? "").replaceAll(/\s+/g, " ")));
  const widths = headings.map((_, column) => Math.max(...texts.map((row) => [...(row[column] ?? "")].length)));
  const line = (row: readonly string[]) => row.map((text, column) => pad(text, widths[column] ?? 0)).join(GAP);
  return texts.map((row) => cut(line(row).trimEnd(), width)).join("\n");
}

/** Counts letters, unlike padEnd, which counts UTF-16 units. */
const pad = (text: string, width: number): string => text + " ".repeat(Math.max(0, width - [...text].length));

function cut(line: string, width: number): string {
  const letters = [...line];
  return letters.length <= width ? line : `${letters.slice(0, width - 1).join("")}…`;
}
