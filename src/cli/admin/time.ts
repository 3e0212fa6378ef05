import { DAY, dayOf } from "../../values/periods.ts";
import { wrongOption } from "./options.ts";

const MICROSECONDS_PER_MILLISECOND = 1_000;

/** Reads a day (its start, UTC) or an ISO 8601 time. Returns microseconds. */
export function checkedTime(option: string, text: string): number {
  const time = /^\d{4}-\d\d-\d\d(T\S+(Z|[+-]\d\d:?\d\d))?$/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(time)) return time * MICROSECONDS_PER_MILLISECOND;
  throw wrongOption(option, "a day like 2027-01-31 or a time like 2027-01-31T12:00:00Z", text);
}

/** Microseconds as `2026-11-23T10:45:09.000Z`; null for null. */
export const isoTime = (microseconds: unknown): string | null =>
  typeof microseconds === "number" ? iso(microseconds) : null;

/** Microseconds as `2026-11-23 10:45:09`. */
export const shortTime = (microseconds: unknown): string => iso(Number(microseconds)).slice(0, 19).replace("T", " ");

const iso = (microseconds: number): string => new Date(microseconds / MICROSECONDS_PER_MILLISECOND).toISOString();

/** Days since 1970 as `2026-11-23`; null for null. */
export const isoDay = (days: unknown): string | null => (typeof days === "number" ? dayOf(days * DAY) : null);
