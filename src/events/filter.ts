import * as v from "valibot";
import { eventTypesOf } from "../catalogue/data.ts";
import { badRequest } from "../http/errors.ts";
import { fold } from "../values/case-fold.ts";
import { definedOnly } from "../values/defined.ts";
import { LAST_TIME } from "../values/time.ts";
import { isStorableSecond, repeatedParameters, type SingleParameters, singleParameters } from "./schemas.ts";

/** A filter; its conditions are joined by AND. UUIDs are 32 hex digits, times are microseconds. */
export interface EventFilter {
  createdFrom?: number;
  /** Exclusive. */
  createdTo?: number;
  /** Case-folded; an event matches when its folded message contains this text. */
  message?: string;
  customer?: string;
  project?: string;
  user?: string;
  relatedUser?: string;
  authMethod?: string;
  patUuid?: string;
  /** Any of these event types; an empty list matches nothing. */
  types?: readonly string[];
  oldestFirst: boolean;
}

/**
 * Reads the filter of a query string. Throws one 400 that names every bad parameter, then 400 for a time that does
 * not exist. Unknown parameters are ignored.
 */
export function readFilter(params: URLSearchParams): EventFilter {
  const values = checked(params);
  const types = readTypes(params);
  const optional = definedOnly({
    createdFrom: from(microseconds(values.created_from)),
    createdTo: until(microseconds(values.created_to)),
    message: values.message === undefined ? undefined : fold(values.message),
    customer: values.customer_uuid,
    project: values.project_uuid,
    user: values.user_uuid,
    relatedUser: values.related_user_uuid,
    authMethod: values.auth_method,
    patUuid: values.pat_uuid,
    types,
  });
  return { ...optional, oldestFirst: values.o === "created" };
}

function checked(params: URLSearchParams): SingleParameters {
  const input: Record<string, string> = {};
  for (const name of Object.keys(singleParameters.entries)) {
    const last = params.getAll(name).at(-1);
    const value = name === "o" ? last : last?.trim();
    if (value) input[name] = value;
  }
  const result = v.safeParse(singleParameters, input, { abortPipeEarly: true });
  if (result.success) return result.output;
  throw badRequest(v.flatten(result.issues).nested);
}

/** The values of `event_type`, restricted to the types of the `feature` groups; undefined without either parameter. */
function readTypes(params: URLSearchParams): readonly string[] | undefined {
  const { event_type: named, feature: groups } = v.parse(repeatedParameters, repeatedInput(params));
  if (groups === undefined) return named && [...new Set(named)];
  const grouped = new Set(groups.flatMap(eventTypesOf));
  const wanted = named && new Set(named);
  return [...grouped].filter((type) => wanted?.has(type) ?? true);
}

function repeatedInput(params: URLSearchParams): Record<string, string[]> {
  const given = Object.keys(repeatedParameters.entries).filter((name) => params.has(name));
  return Object.fromEntries(given.map((name) => [name, params.getAll(name)]));
}

/** No event is as early as the lower bound, or as late as the upper one: such a time filters nothing, or everything. */
const from = (time: number | undefined): number | undefined =>
  time === undefined || time <= -LAST_TIME ? undefined : Math.min(time, LAST_TIME + 1);

const until = (time: number | undefined): number | undefined =>
  time === undefined || time > LAST_TIME ? undefined : Math.max(time, -LAST_TIME);

function microseconds(seconds: bigint | undefined): number | undefined {
  if (seconds === undefined) return undefined;
  if (!isStorableSecond(seconds)) throw badRequest([`Value "${seconds}" should be valid UNIX timestamp.`]);
  return Number(seconds) * 1_000_000;
}
