import type { SQLWrapper } from "drizzle-orm";
import * as v from "valibot";
import { migrateFile, queryFile } from "./local-d1.ts";
import { sqlText } from "./sql.ts";
import type { Target } from "./target.ts";
import { executeFileByWrangler, migrateByWrangler, queryByWrangler } from "./wrangler-d1.ts";

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
export const executeSecretly = (target: Target, statement: SQLWrapper): Promise<void> => execute(target, [statement]);

/** Runs statements as one transaction, which may be large: the deployed database gets them in a file. */
export async function execute(target: Target, statements: readonly SQLWrapper[]): Promise<void> {
  if (target.remote) await executeFileByWrangler(target, statements.map(sqlText));
  else await queryAll(target, statements);
}

/** Applies the migrations that the database lacks. */
export async function applyMigrations(target: Target): Promise<void> {
  if (target.remote) await migrateByWrangler(target);
  else migrateFile(target.stateDir);
}
