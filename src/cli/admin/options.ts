import { parseUuid } from "../../values/uuid.ts";
import { Failure, WRONG_USAGE } from "../failure.ts";

/** Lengths in characters. */
const MAX_USERNAME_LENGTH = 150;
const MAX_ROLE_NAME_LENGTH = 100;
/** The objects on which Waldur has roles. */
const ROLE_SCOPE_TYPES = ["customer", "project", "offering", "call", "proposal", "resource"];

/** Checks the text of an option. Throws a Failure with the option's name. */
type Check<T> = (option: string, text: string) => T;

/** Checks an option that may be left out. */
export const ifGiven = <T>(option: string, text: string | undefined, check: Check<T>): T | undefined =>
  text === undefined ? undefined : check(option, text);

export const checkedUsername = (option: string, text: string | undefined): string =>
  checkedText(option, text, MAX_USERNAME_LENGTH);

export const checkedRoleName: Check<string> = (option, text) => checkedText(option, text, MAX_ROLE_NAME_LENGTH);

function checkedText(option: string, text: string | undefined, maxLength: number): string {
  if (text !== undefined && text.length > 0 && text.length <= maxLength && !/\p{Cc}/u.test(text)) return text;
  throw wrongOption(option, `1 to ${maxLength} characters without control characters`, text);
}

/** Returns 32 hex digits. */
export const checkedUuid: Check<string> = (option, text) => {
  const uuid = parseUuid(text);
  if (uuid !== undefined) return uuid;
  throw wrongOption(option, "a UUID", text);
};

/** Reads `TYPE:UUID`, the object of a role. */
export function checkedScope(option: string, text: string | undefined): { scopeType: string; scope: string } {
  const [, scopeType = "", uuid = ""] = /^([a-z]+):(.+)$/.exec(text ?? "") ?? [];
  if (ROLE_SCOPE_TYPES.includes(scopeType)) return { scopeType, scope: checkedUuid(`The UUID of ${option}`, uuid) };
  throw wrongOption(option, `TYPE:UUID, with one of these as TYPE: ${ROLE_SCOPE_TYPES.join(", ")}`, text);
}

/** Reads seconds, at least 1, or `none`, which becomes null. */
export const checkedLifetime: Check<number | null> = (option, text) => {
  if (text === "none") return null;
  if (/^[1-9]\d{0,9}$/.test(text)) return Number(text);
  throw wrongOption(option, "none or a number of seconds from 1 on", text);
};

export const checkedYesNo: Check<boolean> = (option, text) => {
  if (text === "yes" || text === "no") return text === "yes";
  throw wrongOption(option, "yes or no", text);
};

export function checkedNumber(option: string, text: string, maxDigits: number): number {
  if (/^\d+$/.test(text) && text.length <= maxDigits) return Number(text);
  throw wrongOption(option, `a whole number of at most ${maxDigits} digits`, text);
}

export function wrongOption(option: string, expected: string, text: string | undefined): Failure {
  const problem = text === undefined ? "is missing" : `is ${JSON.stringify(text)}`;
  return new Failure(`${option} ${problem}. It must be ${expected}.`, WRONG_USAGE);
}
