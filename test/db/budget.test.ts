import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { StatementBudgetError, withStatementBudget } from "../../src/db/budget.ts";

/** A database that counts the statements it gets. */
function aDatabase() {
  let statements = 0;
  const batch: D1Database["batch"] = (given) => {
    statements += given.length;
    return env.DB.batch(given);
  };
  const DB = { prepare: (query: string) => env.DB.prepare(query), batch };
  return { DB, statements: () => statements };
}

describe("a budget of statements", () => {
  it("is used up to the last one, over several batches", async () => {
    const { DB, statements } = aDatabase();
    const limited = withStatementBudget(DB, 3);
    const select = () => limited.prepare("SELECT 1 AS one");
    await limited.batch([select(), select()]);
    const [result] = await limited.batch([select()]);
    expect([result?.results, statements()]).toEqual([[{ one: 1 }], 3]);
    expect(() => limited.batch([select()])).toThrow(StatementBudgetError);
  });

  it("lets no part of a batch through that is too large for it, and then a smaller one", async () => {
    const { DB, statements } = aDatabase();
    const limited = withStatementBudget(DB, 3);
    const select = () => limited.prepare("SELECT 1 AS one");
    await limited.batch([select(), select()]);
    expect(() => limited.batch([select(), select()])).toThrow("More than 3 statements in one invocation.");
    expect(statements()).toBe(2);
    await limited.batch([select()]);
    expect(statements()).toBe(3);
  });
});
