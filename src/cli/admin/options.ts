import { parseUuid } from "../../values/uuid.ts";
import { Failure, WRONG_USAGE } from "../failure.ts";

/** Characters. */
const MAX_USERNAME_LENGTH = 150;
const MAX_ROLE_NAME_LENGTH = 100;
const MICROSECONDS_PER_MILLISECOND = 1_000;
/** Waldur's model names a role may be on. */
const ROLE_SCOPE_TYPES = ["customer", "project", "offering", "call", "proposal", "resource"];

export function checkedUsername(username: string | undefined): string {
  return checkedText("A username", username, MAX_USERNAME_LENGTH);
}

export function checkedRoleName(name: string): string {
  return checkedText("A role's name", name, MAX_ROLE_NAME_LENGTH);
}

function checkedText(what: string, text: string | undefined, maxLength: number): string {
  if (text !== undefined && text.length > 0 && text.length <= maxLength && !/\p{Cc}/u.test(text)) return text;
  throw new Failure(`${what} is 1 to ${maxLength} characters, none a control character.`, WRONG_USAGE);
}

/** 32 hex. */
export function checkedUuid(text: string): string {
  const uuid = parseUuid(text);
  if (uuid !== undefined) return uuid;
  throw new Failure(`Not a UUID: ${text}`, WRONG_USAGE);
}

/** `TYPE:UUID` of the object a role is on. */
export function checkedScope(text: string | undefined): { scopeType: string; scope: string } {
  const [, scopeType = "", uuid = ""] = /^([a-z]+):(.+)$/.exec(text ?? "") ?? [];
  if (ROLE_SCOPE_TYPES.includes(scopeType)) return { scopeType, scope: checkedUuid(uuid) };
  throw new Failure(`--on wants TYPE:UUID, where TYPE is one of ${ROLE_SCOPE_TYPES.join(", ")}.`, WRONG_USAGE);
}

/** A day (its beginning, UTC) or an ISO 8601 time, in microseconds; undefined when none is given. */
export function checkedTime(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const time = /^\d{4}-\d\d-\d\d(T\S+(Z|[+-]\d\d:?\d\d))?$/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(time)) return time * MICROSECONDS_PER_MILLISECOND;
  throw new Failure(`Not a day like 2027-01-31 or a time like 2027-01-31T12:00:00Z: ${text}`, WRONG_USAGE);
}

/** Seconds from 1 on, or `none`. */
export function checkedLifetime(text: string): number | null {
  if (text === "none") return null;
  if (/^[1-9]\d{0,9}$/.test(text)) return Number(text);
  throw new Failure(`Not a number of seconds, nor none: ${text}`, WRONG_USAGE);
}

export function checkedYesNo(name: string, text: string): boolean {
  if (text === "yes" || text === "no") return text === "yes";
  throw new Failure(`--${name} wants yes or no.`, WRONG_USAGE);
}
