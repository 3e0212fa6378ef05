import { asciiUpper } from "../../values/case-fold.ts";
import { type Comparison, LOG, type SearchQuery, type SeriesQuery } from "../query.ts";
import type { WantedTypes } from "../type-numbers.ts";
import { isGram, matchAll, queryGrams, scopeTerms, typeTerm, valueTerm } from "./terms.ts";

/** The full-text expression of a search: every match has all of its terms. */
export function matchOf({ concerns, values, types }: SearchQuery): string {
  const { message, authMethod, patUuid } = values;
  return matchAll([
    ...concerns.map(({ scopes, roles }) => scopes.flatMap((scope) => scopeTerms(scope, roles))),
    ...(message === undefined ? [] : queryGrams(message)),
    ...(authMethod === undefined ? [] : [valueTerm("auth", authMethod)]),
    ...(patUuid === undefined ? [] : [valueTerm("pat", patUuid)]),
    ...(types === undefined ? [] : [termsOfTypes(types)]),
  ]);
}

/** Each term once: names that differ in the case of ASCII letters, or after MAX_VALUE letters, have the same term. */
const termsOfTypes = ({ numbers, others }: WantedTypes): string[] => [
  ...numbers.map(typeTerm),
  ...new Set(others.map((name) => asciiUpper(valueTerm("name", name)))),
];

/** The full-text expression of a series, for when the counters show that the index is cheaper than the series itself. */
export const matchOfSeries = ({ series, roles, types }: SeriesQuery): string =>
  matchAll([
    ...(series === LOG ? [] : [scopeTerms(series, roles)]),
    ...(types === undefined ? [] : [types.map(typeTerm)]),
  ]);

/** The values that the index cannot decide and the event itself must be compared with; undefined when there are none. */
export function verifyOf({ types, values: { message, ...exact } }: SearchQuery): Comparison | undefined {
  const verify = {
    ...exact,
    ...(message === undefined || isGram(message) ? {} : { message }),
    ...(types?.others.length ? { types } : {}),
  };
  return Object.keys(verify).length > 0 ? verify : undefined;
}
