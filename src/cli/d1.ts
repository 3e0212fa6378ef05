import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SQLWrapper } from "drizzle-orm";
import * as v from "valibot";
import { DATABASE_BINDING } from "./names.ts";
import { sqlText } from "./sql.ts";
import { type Target, targetOptions } from "./target.ts";
import { errorOutput, type Finished, wranglerOutput } from "./wrangler.ts";

const OWNER_ONLY = 0o600;
const MISSING_TABLE =
  "Apply the migrations: npm start applies them to the local database, npm run deploy to the deployed one.";

export type Row = Record<string, string | number | null>;

const results = v.array(
  v.object({ results: v.array(v.record(v.string(), v.union([v.string(), v.number(), v.null()]))) }),
);
const jsonError = v.object({ error: v.object({ text: v.string() }) });

/** Runs statements like `queryAll` and returns the rows of the last one. */
export const query = async (target: Target, ...statements: SQLWrapper[]): Promise<Row[]> =>
  (await queryAll(target, statements)).at(-1) ?? [];

/**
 * Runs statements as one transaction and returns the rows of each: wrangler makes them a batch for the local database,
 * the API's `query` does for the deployed one. One call takes seconds.
 */
export async function queryAll(target: Target, statements: readonly SQLWrapper[]): Promise<Row[][]> {
  // Not --file, which prints a summary instead of rows when the database is remote.
  const stdout = await execute(target, `--command=${statements.map(sqlText).join(";\n")}`);
  return v.parse(results, JSON.parse(stdout)).map(({ results }) => results);
}

/** Runs a statement that contains a secret. It goes through a file of mode 600: every user can read a command line. */
export async function executeSecretly(target: Target, statement: SQLWrapper): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "edge-events-"));
  try {
    const file = join(directory, "statement.sql");
    await writeFile(file, sqlText(statement), { mode: OWNER_ONLY });
    await execute(target, `--file=${file}`);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Applies the migrations that the database lacks. */
export async function applyMigrations(target: Target): Promise<void> {
  const args = ["d1", "migrations", "apply", DATABASE_BINDING, ...targetOptions(target)];
  await wranglerOutput(args, ({ stdout, stderr }) => `The migrations failed:\n${stdout}${stderr}`);
}

const execute = (target: Target, statements: string): Promise<string> =>
  wranglerOutput(
    ["d1", "execute", DATABASE_BINDING, ...targetOptions(target), "--yes", "--json", statements],
    (finished) => `The database returned an error: ${databaseError(finished)}`,
  );

/** The text of an error. With --json, wrangler prints most errors as JSON. */
function databaseError(finished: Finished): string {
  const error = v.safeParse(v.pipe(v.string(), v.parseJson(), jsonError), finished.stdout);
  if (!error.success) return errorOutput(finished);
  const { text } = error.output.error;
  return text.startsWith("no such table") ? `${text}. ${MISSING_TABLE}` : text;
}
