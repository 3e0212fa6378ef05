import { isObject } from "./data.ts";
import type { Draft } from "./format.ts";

/** Names in a warning. */
const MAX_NAMES = 10;
/** Characters (code points) of a name. */
const MAX_NAME_LENGTH = 40;

/** The keys of an object that are not among the known ones. */
export const keysBeside = (value: unknown, known: ReadonlySet<string>): string[] =>
  isObject(value) ? Object.keys(value).filter((key) => !known.has(key)) : [];

/** A warning that names the fields of events that were not kept, without their values. */
export function unknownFields(drafts: readonly Draft[]): string[] {
  const names = [...new Set(drafts.flatMap(({ unknown = [] }) => unknown))];
  if (names.length === 0) return [];
  const shown = names.slice(0, MAX_NAMES).map((name) => JSON.stringify(shortened(name)));
  const more = names.length > MAX_NAMES ? `, and ${names.length - MAX_NAMES} more` : "";
  return [`These fields are not part of an event and were not kept: ${shown.join(", ")}${more}.`];
}

function shortened(name: string): string {
  const letters = [...name.slice(0, 2 * MAX_NAME_LENGTH + 1)];
  return letters.length > MAX_NAME_LENGTH ? `${letters.slice(0, MAX_NAME_LENGTH).join("")}…` : name;
}
