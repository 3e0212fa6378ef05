import type { Range } from "../values/periods.ts";
import type { EventFilter } from "./filter.ts";
import { ROLE } from "./scopes.ts";
import { isGram, matchAll, queryGrams, scopeTerms, typeTerm, valueTerm } from "./search/terms.ts";
import { RELATED_ROLES, type Visibility } from "./visibility.ts";

/** Objects of which matching events concern any, in any of these roles. */
export interface Concern {
  scopes: readonly string[];
  roles: number;
}

/** The feed whose counters cover a query: the log, or one object. */
export const LOG = "log";

interface Common {
  range: Range;
  /** Numbers; an empty list is never here, it makes the query one for nothing. */
  types: readonly number[] | undefined;
  oldestFirst: boolean;
}

/** A query that the counters answer: the log, or what concerns one object; by types and time. */
export interface FeedQuery extends Common {
  kind: "feed";
  feed: string;
  /** Any of these bits; 0 for the log. */
  roles: number;
}

/** A query that only the inverted index answers: a text, or several objects at once. */
export interface SearchQuery extends Common {
  kind: "search";
  /** For the index. */
  match: string;
  /** What the index cannot decide, asked of the event itself; undefined when it decides all. */
  verify: Verify | undefined;
}

export interface Verify {
  /** Longer than a gram, folded. */
  message?: string;
  authMethod?: string;
  patUuid?: string;
}

export type EventQuery = FeedQuery | SearchQuery | { kind: "nothing" };

/** What a checked filter comes to within what may be seen. `types`: the numbers of `filter.types`. */
export function eventQuery(
  visibility: Visibility,
  filter: EventFilter,
  types: readonly number[] | undefined,
): EventQuery {
  const range: Range = { from: filter.createdFrom ?? -Infinity, to: filter.createdTo ?? Infinity };
  if (visibility === "nothing" || types?.length === 0 || range.from >= range.to) return { kind: "nothing" };
  const common = { range, types, oldestFirst: filter.oldestFirst };
  const concerns = concernsOf(visibility, filter);
  const { message, authMethod, patUuid } = filter;
  const [concern, ...others] = concerns;
  const oneFeed = others.length === 0 && (concern === undefined || concern.scopes.length === 1);
  if (oneFeed && message === undefined && authMethod === undefined && patUuid === undefined) {
    return { kind: "feed", feed: concern?.scopes[0] ?? LOG, roles: concern?.roles ?? 0, ...common };
  }
  return { kind: "search", match: matchOf(filter, concerns, types), verify: verifyOf(filter), ...common };
}

/** The objects that the events must concern: those that visibility is given by, and those the filter names. */
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

function matchOf(filter: EventFilter, concerns: readonly Concern[], types: readonly number[] | undefined): string {
  const { message, authMethod, patUuid } = filter;
  return matchAll([
    ...concerns.map(({ scopes, roles }) => scopes.flatMap((scope) => scopeTerms(scope, roles))),
    ...(message === undefined ? [] : queryGrams(message)),
    ...(authMethod === undefined ? [] : [valueTerm("auth", authMethod)]),
    ...(patUuid === undefined ? [] : [valueTerm("pat", patUuid)]),
    ...(types === undefined ? [] : [types.map(typeTerm)]),
  ]);
}

/** A feed's query for the inverted index; only where the counters say that it is worth it. */
export const feedTerms = ({ feed, roles, types }: FeedQuery): string =>
  matchAll([...(feed === LOG ? [] : [scopeTerms(feed, roles)]), ...(types === undefined ? [] : [types.map(typeTerm)])]);

function verifyOf({ message, authMethod, patUuid }: EventFilter): Verify | undefined {
  const verify: Verify = {
    ...(message !== undefined && !isGram(message) ? { message } : {}),
    ...(authMethod !== undefined ? { authMethod } : {}),
    ...(patUuid !== undefined ? { patUuid } : {}),
  };
  return Object.keys(verify).length > 0 ? verify : undefined;
}
