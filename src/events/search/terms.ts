import { ROLE } from "../scopes.ts";

/**
 * The terms of the inverted index `event_index`. Its tokenizer splits at ASCII white space and control characters and
 * folds ASCII letters. A gram has at most three letters, in upper case; every other term is longer.
 */

/** Letters of the longest gram. */
const GRAM = 3;
/** Grams in the query for a long text; the message itself is compared afterwards. */
const MAX_QUERY_GRAMS = 12;
/** Letters of a value in its term; the whole value is compared afterwards. */
const MAX_VALUE = 64;
/** Precedes a letter that the tokenizer would split at, or itself. */
const ESCAPE = "\u{e000}";

const ROLE_LETTERS: readonly [role: number, letter: string][] = [
  [ROLE.SCOPE, "f"],
  [ROLE.CUSTOMER, "c"],
  [ROLE.PROJECT, "p"],
  [ROLE.USER, "u"],
  [ROLE.AFFECTED_USER, "a"],
];

/** The distinct runs of one, two and three letters of a folded text. */
export function gramsOf(folded: string): Set<string> {
  const letters = Array.from(folded, escaped);
  const grams = new Set<string>();
  let [before, last] = ["", ""];
  for (const [index, letter] of letters.entries()) {
    grams.add(letter);
    if (index > 0) grams.add(last + letter);
    if (index > 1) grams.add(before + last + letter);
    [before, last] = [last, letter];
  }
  return grams;
}

/** The terms for the roles of an object in an event. */
export const scopeTerms = (scope: string, roles: number): string[] =>
  ROLE_LETTERS.filter(([role]) => roles & role).map(([, letter]) => letter + scope);

/** The term for an event type. Longer than a gram, like every term that is not one. */
export const typeTerm = (type: number): string => `type:${type}`;

/** The term for a value of `auth_method` or `pat_uuid` in the context, or for the name of a type without a number. */
export const valueTerm = (key: "auth" | "pat" | "name", value: string): string =>
  `${key}:${Array.from(value).slice(0, MAX_VALUE).map(escaped).join("")}`;

/** Whether the grams alone decide if a message contains the text. */
export const isGram = (folded: string): boolean => [...folded].length <= GRAM;

/** Grams of every message that contains the text: the text itself, or some of its triples, evenly spread. */
export function queryGrams(folded: string): string[] {
  const letters = Array.from(folded, escaped);
  if (letters.length <= GRAM) return [letters.join("")];
  const last = letters.length - GRAM;
  const count = Math.min(last + 1, MAX_QUERY_GRAMS);
  const starts = Array.from({ length: count }, (_, index) => Math.round((index * last) / Math.max(1, count - 1)));
  return [...new Set(starts.map((start) => letters.slice(start, start + GRAM).join("")))];
}

/** A full-text expression for all of the terms. A list among them stands for any of its own terms. */
export const matchAll = (terms: readonly (string | readonly string[])[]): string =>
  terms.map((term) => (typeof term === "string" ? quoted(term) : `(${term.map(quoted).join(" OR ")})`)).join(" AND ");

const quoted = (term: string): string => `"${term.replaceAll('"', '""')}"`;

function escaped(letter: string): string {
  return ESCAPED.get(letter) ?? letter;
}

/** Control characters, white space and the escape itself. */
const ESCAPED: ReadonlyMap<string, string> = new Map([
  ...Array.from({ length: 33 }, (_, code): [string, string] => [
    String.fromCharCode(code),
    ESCAPE + String.fromCharCode(64 + code),
  ]),
  ["\x7f", `${ESCAPE}!`],
  [ESCAPE, `${ESCAPE}~`],
]);
