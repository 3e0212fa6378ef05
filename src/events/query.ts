import { sha256Hex } from "../values/bytes.ts";
import { definedOnly } from "../values/defined.ts";
import type { Range } from "../values/periods.ts";
import type { EventFilter } from "./filter.ts";
import { ROLE } from "./scopes.ts";
import type { WantedTypes } from "./type-numbers.ts";
import { RELATED_ROLES, type Visibility } from "./visibility.ts";

const DIGEST_BYTES = 16;
const FINGERPRINT_DIGITS = 12;

/** Matching events concern at least one of these objects, in at least one of these roles. */
export interface Concern {
  scopes: readonly string[];
  roles: number;
}

/** The series of the whole log; every other series is named by its object, 32 hex digits. */
export const LOG = "log";

interface Common {
  range: Range;
  oldestFirst: boolean;
}

/** A query that the counters of one series answer: the log, or the events of one object, by types and time. */
export interface SeriesQuery extends Common {
  kind: "series";
  series: string;
  /** Any of these bits; 0 for the log. */
  roles: number;
  /** Type numbers. Never an empty list: a query for no type is a query for nothing. */
  types: readonly number[] | undefined;
}

/** Values that an event must have: a text in its message (folded), and values of its context. */
export type ValueFilter = Pick<EventFilter, "message" | "authMethod" | "patUuid">;

/** Values that an event is compared with. */
export type Comparison = ValueFilter & { types?: WantedTypes };

/** A query that only the inverted index answers: for values, types without a number, or several objects at once. */
export interface SearchQuery extends Common {
  kind: "search";
  concerns: readonly Concern[];
  /** Never empty, like those of a series. */
  types: WantedTypes | undefined;
  values: ValueFilter;
}

/** A query for events; `nothing` when no event can match. */
export type EventQuery = SeriesQuery | SearchQuery | { kind: "nothing" };

/** The query for a checked filter within what the actor may see. `types`: those of `filter.types`. */
export function eventQuery(visibility: Visibility, filter: EventFilter, types: WantedTypes | undefined): EventQuery {
  const range: Range = { from: filter.createdFrom ?? -Infinity, to: filter.createdTo ?? Infinity };
  const noType = types && types.numbers.length + types.others.length === 0;
  if (visibility === "nothing" || noType || range.from >= range.to) return { kind: "nothing" };
  const common = { range, oldestFirst: filter.oldestFirst };
  const concerns = concernsOf(visibility, filter);
  const values = valuesOf(filter);
  const [concern, ...others] = concerns;
  const isOneSeries = others.length === 0 && (concern === undefined || concern.scopes.length === 1);
  if (isOneSeries && Object.keys(values).length === 0 && !types?.others.length) {
    const series = concern?.scopes[0] ?? LOG;
    return { kind: "series", series, roles: concern?.roles ?? 0, types: types?.numbers, ...common };
  }
  return { kind: "search", concerns, types, values, ...common };
}

/** The values of a filter that events are compared with. */
export const valuesOf = ({ message, authMethod, patUuid }: EventFilter): ValueFilter =>
  definedOnly({ message, authMethod, patUuid });

/** The objects that the events must concern: those of the visibility, and those that the filter names. */
export function concernsOf(visibility: Visibility, filter: EventFilter): Concern[] {
  const seen: Concern[] = typeof visibility === "object" ? [visibility] : [];
  const named: [string | undefined, number][] = [
    [filter.customer, ROLE.CUSTOMER],
    [filter.project, ROLE.PROJECT],
    [filter.user, ROLE.USER],
    [filter.relatedUser, RELATED_ROLES],
  ];
  const asked = named.flatMap(([scope, roles]) => (scope === undefined ? [] : [{ scopes: [scope], roles }]));
  const different = new Map([...seen, ...asked].map((concern) => [`${concern.roles} ${concern.scopes}`, concern]));
  return [...different.values()];
}

/**
 * A digest of the query for a checked filter within what the actor may see: 32 hex digits, equal for every page of its
 * list. Types count by their names: their numbers would reveal which other types there are.
 */
export async function digestOf(visibility: Visibility, filter: EventFilter): Promise<string> {
  const { createdFrom, createdTo, types, oldestFirst, message, authMethod, patUuid } = filter;
  const concerns = visibility === "nothing" ? visibility : concernsOf(visibility, filter);
  const values = { createdFrom, createdTo, types, oldestFirst, message, authMethod, patUuid };
  return sha256Hex(JSON.stringify([concerns, values]), DIGEST_BYTES);
}

/**
 * A digest of what a search finds: 32 hex digits, equal for both orders of its list. Types count by their numbers, too: a
 * request that began before the first event of a type finds none of its events.
 */
export async function searchKeyOf(
  visibility: Visibility,
  filter: EventFilter,
  types: WantedTypes | undefined,
): Promise<string> {
  const digest = await digestOf(visibility, { ...filter, oldestFirst: false });
  return types === undefined ? digest : sha256Hex(JSON.stringify([digest, types]), DIGEST_BYTES);
}

/** The part of a digest that a page token carries: 48 bits, against mistakes. It keeps no secret. */
export const fingerprintOf = (digest: string): string => digest.slice(0, FINGERPRINT_DIGITS);
