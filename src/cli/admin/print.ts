import type { Row } from "../d1.ts";
import { table } from "./table.ts";

interface List<T> {
  rows: readonly T[];
  /** Prints the rows as JSON, with nothing cut. */
  json: boolean;
  /** The sentence for no rows. */
  none: string;
  headings: readonly string[];
  cells(row: T): readonly unknown[];
}

/** Prints rows as JSON or as a table. */
export function printList<T>({ rows, json, none, headings, cells }: List<T>): void {
  if (json) printJson(rows);
  else console.log(rows.length === 0 ? none : table(headings, rows.map(cells)));
}

export const printJson = (value: unknown): void => console.log(JSON.stringify(value, null, 2));

/** Prints rows as tab-separated lines below their names, for cut(1). */
export function printTabbed(rows: readonly Row[]): void {
  const lines = [...rows.slice(0, 1).map(Object.keys), ...rows.map(Object.values)];
  const texts = lines.map((cells) => cells.map((cell) => cell ?? "-").join("\t"));
  console.log(texts.join("\n") || "(none)");
}
