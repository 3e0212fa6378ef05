import { badRequest } from "./errors.ts";

/** How often a parameter may be repeated. */
export const MAX_REPEATED_VALUES = 2_000;
/** Parameters of one request in all. */
export const MAX_PARAMETERS = 5_000;
/** Characters of one value (UTF-16 units). */
export const MAX_VALUE_LENGTH = 2_000;

/** Returns the query string, or throws 400 when it is larger than any client sends. Called before any other check. */
export function assertWithinLimits(params: URLSearchParams): URLSearchParams {
  if (params.size > MAX_PARAMETERS) throw badRequest([`At most ${MAX_PARAMETERS} parameters may be given.`]);
  const counts = new Map<string, number>();
  const errors = new Map<string, string[]>();
  for (const [name, value] of params) {
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    if (value.length > MAX_VALUE_LENGTH) {
      errors.set(name, [`Ensure this value has at most ${MAX_VALUE_LENGTH} characters (it has ${value.length}).`]);
    } else if (count > MAX_REPEATED_VALUES) errors.set(name, [`At most ${MAX_REPEATED_VALUES} values may be given.`]);
  }
  if (errors.size > 0) throw badRequest(Object.fromEntries(errors));
  return params;
}
