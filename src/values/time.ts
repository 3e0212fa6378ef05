const MICROSECONDS = 1_000_000;
const SECONDS_OF_DAY = 86_400;

/** The years 1 to 9999, in seconds since 1970, which Waldur can store. */
export const FIRST_SECOND = -62_135_596_800;
export const LAST_SECOND = 253_402_300_799;

/**
 * The times that an event may have, in microseconds: from 1685-01-01 on, up to the last one that is exact in a JavaScript
 * number.
 */
export const FIRST_TIME = Date.UTC(1685, 0, 1) * 1_000;
export const LAST_TIME = Number.MAX_SAFE_INTEGER;

/**
 * Reads an ISO 8601 or RFC 3339 time with an offset or Z as microseconds since 1970; further digits are cut off.
 * undefined for any other text, or a day that does not exist.
 */
export function parseTime(text: string): number | undefined {
  const match = /^(\d{4}-\d\d-\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(Z|[+-]\d\d(?::?\d\d)?)$/i.exec(text);
  if (match === null) return undefined;
  const [, day = "", hour = "", minute = "", second = "00", fraction = "", zone = ""] = match;
  const midnight = Date.parse(`${day}T00:00:00Z`);
  const offset = zoneMinutes(zone);
  if (Number.isNaN(midnight) || new Date(midnight).toISOString().slice(0, 10) !== day || offset === undefined)
    return undefined;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined;
  const seconds = midnight / 1000 + Number(hour) * 3600 + Number(minute) * 60 + Number(second) - offset * 60;
  if (seconds < FIRST_SECOND || seconds > LAST_SECOND) return undefined;
  return seconds * MICROSECONDS + Number(fraction.padEnd(6, "0").slice(0, 6));
}

function zoneMinutes(zone: string): number | undefined {
  if (zone.toUpperCase() === "Z") return 0;
  const [, sign, hours = "", minutes = "00"] = /^([+-])(\d\d):?(\d\d)?$/.exec(zone) ?? [];
  if (sign === undefined || Number(hours) > 23 || Number(minutes) > 59) return undefined;
  return (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}

/** Prints microseconds as Waldur does: six digits of fraction, or none when they are zero, then `Z`. */
export function printTime(microseconds: number): string {
  const second = Math.floor(microseconds / MICROSECONDS);
  const fraction = microseconds - second * MICROSECONDS;
  const day = Math.floor(second / SECONDS_OF_DAY);
  const clock = printClock(second - day * SECONDS_OF_DAY);
  return `${printDay(day)}T${clock}${fraction === 0 ? "" : `.${String(fraction).padStart(6, "0")}`}Z`;
}

/** The day that was printed last: the events of a page are of few days. */
let printedDay = { day: 0, text: "1970-01-01" };

/** `day`: since 1970. */
function printDay(day: number): string {
  if (printedDay.day !== day) {
    const iso = new Date(day * SECONDS_OF_DAY * 1_000).toISOString();
    printedDay = { day, text: iso.slice(0, iso.indexOf("T")) };
  }
  return printedDay.text;
}

const TWO_DIGITS = Array.from({ length: 60 }, (_, number) => String(number).padStart(2, "0"));

/** `second`: of the day. */
const printClock = (second: number): string =>
  `${TWO_DIGITS[Math.floor(second / 3600)]}:${TWO_DIGITS[Math.floor(second / 60) % 60]}:${TWO_DIGITS[second % 60]}`;

/** The current time in microseconds; the clock of the platform has milliseconds. */
export const microsecondsNow = (now = Date.now()): number => now * 1000;
