import type { SQLWrapper } from "drizzle-orm";
import * as v from "valibot";
import { migrateFile, queryFile } from "./local-d1.ts";
import { sqlText } from "./sql.ts";
import type { Target } from "./target.ts";
import { executeSecretlyByWrangler, migrateByWrangler, queryByWrangler } from "./wrangler-d1.ts";

export type Row = Record<string, string | number | null>;

const results = v.array(v.array(v.record(v.string(), v.union([v.string(), v.number(), v.null()]))));

/** Runs statements like `queryAll` and returns the rows of the last one. */
export const query = async (target: Target, ...statements: SQLWrapper[]): Promise<Row[]> =>
  (await queryAll(target, statements)).at(-1) ?? [];

/**
 * Runs statements as one transaction and returns the rows of each. Both kinds of database get the same texts, with the
 * parameters as literals, so what works locally works on the deployed one, too.
 */
export async function queryAll(target: Target, statements: readonly SQLWrapper[]): Promise<Row[][]> {
  const texts = statements.map(sqlText);
  return v.parse(results, target.remote ? await queryByWrangler(target, texts) : queryFile(target.stateDir, texts));
}

/** Runs a statement that contains a secret: no other user of the machine can read it. */
export async function executeSecretly(target: Target, statement: SQLWrapper): Promise<void> {
  if (target.remote) await executeSecretlyByWrangler(target, sqlText(statement));
  else await query(target, statement);
}

/** Applies the migrations that the database lacks. */
export async function applyMigrations(target: Target): Promise<void> {
  if (target.remote) await migrateByWrangler(target);
  else migrateFile(target.stateDir);
}
