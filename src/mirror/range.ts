/** A range of time, from ≤ created < to: whole seconds since 1970, as Waldur's filters have them. */
export interface Range {
  from: number;
  to: number;
}

export const MICROSECONDS = 1_000_000;

/** Bytes or digits of a header are never trusted to be a number. */
export const wholeNumber = (text: string | null): number | undefined =>
  text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined;

/** The months (UTC) from the one with `from` to the one before `to`, as ranges. */
export function monthsOf({ from, to }: Range): Range[] {
  const first = new Date(from * 1_000);
  const months: Range[] = [];
  for (let month = first.getUTCMonth(); ; month++) {
    const range = monthRange(first.getUTCFullYear(), month);
    if (range.from >= to) return months;
    months.push(range);
  }
}

/** `month` from 0. */
export const monthRange = (year: number, month: number): Range => ({
  from: Date.UTC(year, month) / 1_000,
  to: Date.UTC(year, month + 1) / 1_000,
});
