/**
 * Statements of one invocation; D1 allows 1,000 (https://developers.cloudflare.com/d1/platform/limits/), local D1 any
 * number. The rest is for what is done after the writing.
 */
export const MAX_STATEMENTS = 900;

/** The invocation has no statements left: what is not written yet belongs into another one. */
export class StatementBudgetError extends Error {}

/** The same database, for `max` statements in batches. */
export function withStatementBudget(binding: D1Database, max = MAX_STATEMENTS): D1Database {
  let left = max;
  const batch: D1Database["batch"] = (statements) => {
    if (statements.length > left) throw new StatementBudgetError(`More than ${max} statements in one invocation.`);
    left -= statements.length;
    return binding.batch(statements);
  };
  return new Proxy(binding, {
    get(target, name) {
      if (name === "batch") return batch;
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
