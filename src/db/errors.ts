/*
 * D1 distinguishes its errors by text only (https://developers.cloudflare.com/d1/observability/debug-d1/), and some of its
 * texts are in no list. What is listed here as permanent is; any other error is for now.
 */

/**
 * What an error says of the same call made later:
 * - `permanent`: it fails again, because of the values that it writes;
 * - `full`: it fails until somebody makes room;
 * - `statement`: it fails until the migrations and the code fit each other. The values are not to blame;
 * - `transient`: it may succeed. So also an error that nobody knows.
 */
export type Failing = "permanent" | "full" | "statement" | "transient";

/** Values that no row can hold. */
export class UnstorableError extends Error {}

const TEXTS: readonly [failing: Failing, text: RegExp][] = [
  ["permanent", /^D1_TYPE_ERROR|\bSQLITE_(?:CONSTRAINT|MISMATCH|TOOBIG)|constraint failed|string or blob too big/],
  ["full", /\bSQLITE_FULL|database or disk is full|Exceeded maximum DB size|maximum account storage/],
  ["statement", /\bSQLITE_ERROR\b|^D1_(?:COLUMN_NOTFOUND|EXEC_ERROR)|no such (?:table|column)|syntax error/],
];

/** Reads the innermost error, which is D1's own: one around it may quote the values. */
export function failingOf(error: unknown): Failing {
  if (error instanceof UnstorableError) return "permanent";
  if (!(error instanceof Error)) return "transient";
  if (error.cause instanceof Error && !isFromD1(error)) return failingOf(error.cause);
  return TEXTS.find(([, text]) => text.test(error.message))?.[0] ?? "transient";
}

/** D1's own cause has less in it: not the prefix. */
const isFromD1 = ({ message }: Error): boolean => message.startsWith("D1_");
