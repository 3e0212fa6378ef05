/** Columns of a terminal that does not tell. */
const DEFAULT_WIDTH = 100;
const GAP = "  ";

/** Rows under a heading, in columns as wide as they need; the last one is cut where the terminal ends. */
export function table(
  headings: readonly string[],
  rows: readonly (readonly unknown[])[],
  width = terminalWidth(),
): string {
  const texts = [headings, ...rows].map((row) => row.map((value) => String(value ?? "").replaceAll(/\s+/g, " ")));
  const widths = headings.map((_, column) => Math.max(...texts.map((row) => [...(row[column] ?? "")].length)));
  return texts
    .map((row) =>
      cut(
        row
          .map((text, column) => pad(text, widths[column] ?? 0))
          .join(GAP)
          .trimEnd(),
        width,
      ),
    )
    .join("\n");
}

const terminalWidth = (): number => process.stdout.columns ?? DEFAULT_WIDTH;

/** Not padEnd, which counts UTF-16 units. */
const pad = (text: string, width: number): string => text + " ".repeat(Math.max(0, width - [...text].length));

function cut(line: string, width: number): string {
  const letters = [...line];
  return letters.length <= width ? line : `${letters.slice(0, width - 1).join("")}…`;
}

/** Microseconds as a time to the second. */
export const shortTime = (microseconds: unknown): string =>
  new Date(Number(microseconds) / 1000).toISOString().slice(0, 19).replace("T", " ");
