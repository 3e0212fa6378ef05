import type { Row } from "../d1.ts";

const MICROSECONDS_PER_MILLISECOND = 1_000;
const MILLISECONDS_PER_DAY = 86_400_000;

/** Rows as tab-separated lines under their names, for eyes and for cut(1). */
export function table(rows: readonly Row[]): string {
  const [first] = rows;
  if (first === undefined) return "(none)";
  const lines = rows.map((row) => Object.values(row).map((value) => value ?? "-"));
  return [Object.keys(first), ...lines].map((cells) => cells.join("\t")).join("\n");
}

/** Microseconds, or null, as ISO 8601. */
export const printedTime = (microseconds: Row[string] | undefined): string | null =>
  typeof microseconds === "number" ? new Date(microseconds / MICROSECONDS_PER_MILLISECOND).toISOString() : null;

/** Days since 1970, or null, as a day. */
export const printedDay = (days: Row[string] | undefined): string | null =>
  typeof days === "number" ? new Date(days * MILLISECONDS_PER_DAY).toISOString().slice(0, 10) : null;
