import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { Failure } from "./failure.ts";
import { DATABASE_BINDING } from "./names.ts";
import { runWrangler } from "./wrangler.ts";

const NOT_MIGRATED = "The migrations have not been applied: npm start does it, or npm run deploy for the deployed one.";

/** Which database: the deployed one, or the local one that lives in a directory. */
export type Target = { remote: true } | { remote: false; stateDir: string };

export type Row = Record<string, string | number | null>;

const results = v.array(
  v.object({ results: v.array(v.record(v.string(), v.union([v.string(), v.number(), v.null()]))) }),
);
const failure = v.object({ error: v.object({ text: v.string() }) });

/** Runs one or more statements; returns the rows of the last. */
export const query = async (target: Target, sql: string): Promise<Row[]> => (await queryAll(target, sql)).at(-1) ?? [];

/**
 * Runs statements as one transaction: wrangler makes a batch of them for the local database, the API's `query` for the
 * deployed one. Returns the rows of each.
 */
export async function queryAll(target: Target, sql: string): Promise<Row[][]> {
  // --command, as --file answers with a summary instead of rows when the database is remote.
  const args = ["d1", "execute", DATABASE_BINDING, ...where(target), "--yes", "--json", `--command=${sql}`];
  const { code, stdout, stderr } = await runWrangler(args);
  if (code !== 0) throw new Failure(`The database refused: ${reason(stdout) ?? (stderr.trim() || stdout.trim())}`);
  return v.parse(results, JSON.parse(stdout)).map(({ results }) => results);
}

/** Runs statements that hold secrets: from a file only we can read, as every user can read a command line. */
export async function execute(target: Target, sql: string): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "edge-events-"));
  try {
    const file = join(directory, "statements.sql");
    await writeFile(file, sql, { mode: 0o600 });
    const args = ["d1", "execute", DATABASE_BINDING, ...where(target), "--yes", "--json", `--file=${file}`];
    const { code, stdout, stderr } = await runWrangler(args);
    if (code !== 0) throw new Failure(`The database refused: ${reason(stdout) ?? (stderr.trim() || stdout.trim())}`);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Brings the database to the newest of migrations/. */
export async function applyMigrations(target: Target): Promise<void> {
  const { code, stdout, stderr } = await runWrangler(["d1", "migrations", "apply", DATABASE_BINDING, ...where(target)]);
  if (code !== 0) throw new Failure(`The migrations failed:\n${stdout}${stderr}`);
}

/** A value as SQL. Text may be user input: a quote is doubled, and nothing else is special inside quotes. */
export function literal(value: string | number | boolean): string {
  if (typeof value !== "string") return String(Number(value));
  if (value.includes("\0")) throw new Failure("NUL characters cannot be stored.");
  return `'${value.replaceAll("'", "''")}'`;
}

const where = (target: Target) => (target.remote ? ["--remote"] : ["--local", "--persist-to", target.stateDir]);

/** With --json, wrangler prints errors as JSON too. */
function reason(stdout: string): string | undefined {
  try {
    const { text } = v.parse(failure, JSON.parse(stdout)).error;
    return text.startsWith("no such table") ? `${text}. ${NOT_MIGRATED}` : text;
  } catch {
    return undefined;
  }
}
