import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { databaseFailure } from "./database-error.ts";
import { DATABASE_BINDING } from "./names.ts";
import { type Target, targetOptions } from "./target.ts";
import { errorOutput, type Finished, runWrangler, wranglerOutput } from "./wrangler.ts";

/** The way to the deployed database. A call takes seconds. The tests take it to a local one. */

const OWNER_ONLY = 0o600;

const results = v.array(v.object({ results: v.array(v.unknown()) }));
const jsonError = v.object({ error: v.object({ text: v.string() }) });

/** Runs statements as one transaction and returns the rows of each. The API's `query` makes them a batch. */
export async function queryByWrangler(target: Target, statements: readonly string[]): Promise<unknown[][]> {
  // Not --file, which prints a summary instead of rows when the database is remote.
  const stdout = await execute(target, `--command=${statements.join(";\n")}`);
  return v.parse(results, JSON.parse(stdout)).map(({ results }) => results);
}

/**
 * Runs statements as one transaction, without their rows. They go through a file of mode 600: every user can read a command
 * line, and a command line has at most 128 KiB. The API imports such a file, and takes it back as a whole when one of them fails.
 */
export async function executeFileByWrangler(target: Target, statements: readonly string[]): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "edge-events-"));
  try {
    const file = join(directory, "statement.sql");
    await writeFile(file, statements.join(";\n"), { mode: OWNER_ONLY });
    await execute(target, `--file=${file}`);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

export async function migrateByWrangler(target: Target): Promise<void> {
  const args = ["d1", "migrations", "apply", DATABASE_BINDING, ...targetOptions(target)];
  await wranglerOutput(args, ({ stdout, stderr }) => `The migrations failed:\n${stdout}${stderr}`);
}

async function execute(target: Target, statements: string): Promise<string> {
  const args = ["d1", "execute", DATABASE_BINDING, ...targetOptions(target), "--yes", "--json", statements];
  const finished = await runWrangler(args);
  if (finished.code !== 0) throw databaseFailure(errorText(finished));
  return finished.stdout;
}

/** With --json, wrangler prints most errors as JSON. */
function errorText(finished: Finished): string {
  const error = v.safeParse(v.pipe(v.string(), v.parseJson(), jsonError), finished.stdout);
  return error.success ? error.output.error.text : errorOutput(finished);
}
