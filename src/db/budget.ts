import type { D1Calls } from "./client.ts";

/**
 * Statements of one invocation. D1 allows 1,000 (https://developers.cloudflare.com/d1/platform/limits/); local D1 has no
 * limit. The rest is for the work after the writing.
 */
export const MAX_STATEMENTS = 900;

/** The invocation has no statements left; the next one goes on. */
export class StatementBudgetError extends Error {}

/** The same database, for at most `max` statements in batches. Throws StatementBudgetError beyond that. */
export function withStatementBudget(binding: D1Calls, max = MAX_STATEMENTS): D1Calls {
  let left = max;
  return {
    prepare: (query) => binding.prepare(query),
    batch: (statements) => {
      if (statements.length > left) throw new StatementBudgetError(`More than ${max} statements in one invocation.`);
      left -= statements.length;
      return binding.batch(statements);
    },
  };
}
