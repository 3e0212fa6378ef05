/** The periods of the counters, in UTC. Times are microseconds since 1970. */

/** Microseconds. */
export const HOUR = 3_600_000_000;
/** Microseconds. */
export const DAY = 24 * HOUR;

/** From `from` on and before `to`; unbounded where Infinity. */
export interface Range {
  from: number;
  to: number;
}

export const EVER: Range = { from: -Infinity, to: Infinity };

export const isEverything = ({ from, to }: Range): boolean => from === -Infinity && to === Infinity;

export type Unit = "month" | "day" | "hour";

const iso = (time: number): string => new Date(Math.floor(time / 1000)).toISOString();

/** `2026-07-30T14`. */
export const hourOf = (time: number): string => iso(time).slice(0, 13);
/** `2026-07-30`. */
export const dayOf = (time: number): string => iso(time).slice(0, 10);
/** `2026-07`. */
export const monthOf = (time: number): string => iso(time).slice(0, 7);

/** The quarter of a month, named by its first month: `2026-08` → `2026-07`. */
export function quarterOf(month: string): string {
  const first = Math.floor((Number(month.slice(5)) - 1) / 3) * 3 + 1;
  return `${month.slice(0, 5)}${String(first).padStart(2, "0")}`;
}

/** The first microsecond of a month, day or hour named as above. */
export function startOf(period: string): number {
  const rest = "-01-01T00:00:00Z".slice(period.length - 4);
  return Date.parse(`${period.slice(0, 13)}${rest}`) * 1000;
}

/** The first microsecond after a period. */
export function endOf(period: string): number {
  if (period.length === 13) return startOf(period) + HOUR;
  if (period.length === 10) return startOf(period) + DAY;
  return nextMonth(startOf(period));
}

function nextMonth(start: number): number {
  const date = new Date(start / 1000);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1) * 1000;
}

/** The whole units in a range, and the pieces at its edges. */
export interface Split {
  whole: Range | undefined;
  edges: Range[];
}

/** Cuts a range at the borders of a unit. */
export function split(range: Range, unit: Unit): Split {
  const from = ceil(range.from, unit);
  const to = floor(range.to, unit);
  if (from > to) return { whole: undefined, edges: nonEmpty([range]) };
  const edges = nonEmpty([
    { from: range.from, to: from },
    { from: to, to: range.to },
  ]);
  return { whole: from < to ? { from, to } : undefined, edges };
}

const nonEmpty = (ranges: Range[]): Range[] => ranges.filter(({ from, to }) => from < to);

function floor(time: number, unit: Unit): number {
  if (!Number.isFinite(time)) return time;
  if (unit === "hour") return Math.floor(time / HOUR) * HOUR;
  if (unit === "day") return Math.floor(time / DAY) * DAY;
  return startOf(monthOf(time));
}

function ceil(time: number, unit: Unit): number {
  const whole = floor(time, unit);
  if (whole === time) return time;
  if (unit === "month") return nextMonth(whole);
  return whole + (unit === "day" ? DAY : HOUR);
}

/** Whether a period is in a range that begins and ends at borders of its unit. */
export const isWithin = (period: string, { from, to }: Range): boolean => {
  const start = startOf(period);
  return start >= from && start < to;
};

/** The part that two ranges share; empty when `from` is not before `to`. */
export const overlap = (a: Range, b: Range): Range => ({ from: Math.max(a.from, b.from), to: Math.min(a.to, b.to) });
