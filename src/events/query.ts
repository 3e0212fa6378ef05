import { type Actor, seesEverything } from "../auth/actor.ts";
import type { EventFilter } from "./filter.ts";
import type { Range } from "./periods.ts";
import { ROLE } from "./scopes.ts";
import { isGram, matchAll, queryGrams, scopeTerms, typeTerm, valueTerm } from "./terms.ts";

/** An object that matching events concern, in any of these roles. */
export interface Concern {
  scope: string;
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

/** What a checked filter comes to for this actor. `types`: the numbers of `filter.types`. */
export function eventQuery(actor: Actor, filter: EventFilter, types: readonly number[] | undefined): EventQuery {
  const range: Range = { from: filter.createdFrom ?? -Infinity, to: filter.createdTo ?? Infinity };
  if (!seesEverything(actor) || types?.length === 0 || range.from >= range.to) return { kind: "nothing" };
  const common = { range, types, oldestFirst: filter.oldestFirst };
  const concerns = concernsOf(filter);
  const { message, authMethod, patUuid } = filter;
  const [concern, ...others] = concerns;
  if (message === undefined && authMethod === undefined && patUuid === undefined && others.length === 0) {
    return { kind: "feed", feed: concern?.scope ?? LOG, roles: concern?.roles ?? 0, ...common };
  }
  return { kind: "search", match: matchOf(filter, concerns, types), verify: verifyOf(filter), ...common };
}

/** The objects a filter names. */
export function concernsOf(filter: EventFilter): Concern[] {
  const named: [string | undefined, number][] = [
    [filter.customer, ROLE.CUSTOMER],
    [filter.project, ROLE.PROJECT],
    [filter.user, ROLE.USER],
    [filter.relatedUser, ROLE.FEED | ROLE.USER | ROLE.AFFECTED_USER],
  ];
  return named.flatMap(([scope, roles]) => (scope === undefined ? [] : [{ scope, roles }]));
}

function matchOf(filter: EventFilter, concerns: readonly Concern[], types: readonly number[] | undefined): string {
  const { message, authMethod, patUuid } = filter;
  return matchAll([
    ...concerns.map(({ scope, roles }) => scopeTerms(scope, roles)),
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
