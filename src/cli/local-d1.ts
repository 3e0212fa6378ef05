import { createHash, createHmac } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { APPLY_MIGRATIONS, databaseFailure } from "./database-error.ts";
import { Failure } from "./failure.ts";
import { LOCAL_DATABASE_ID } from "./names.ts";
import { paths } from "./paths.ts";

/**
 * Opens the file of the local database itself: that takes 10 ms, Miniflare takes 1 s for it and wrangler 2 s, because
 * both start a workerd. `npm start` may run meanwhile: SQLite locks the file between processes. This side waits for a
 * lock; workerd does not, so a statement of the server fails when it meets one. Therefore only transactions that write
 * take the lock, and they are short.
 */

/** The longest time to wait for a lock. */
const BUSY_TIMEOUT_MS = 10_000;

/** A word in a text may look like a writing statement; then the lock is taken without need. */
const WRITES = /\b(INSERT|UPDATE|DELETE|REPLACE|CREATE|DROP|ALTER)\b/i;

/** As wrangler makes it, which lists what it finds there. */
const MIGRATIONS_TABLE = `CREATE TABLE IF NOT EXISTS d1_migrations (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT UNIQUE,
  applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
)`;

/** Runs statements as one transaction and returns the rows of each. */
export function queryFile(stateDir: string, statements: readonly string[]): unknown[][] {
  const file = databaseFile(stateDir);
  if (!existsSync(file)) throw new Failure(`There is no database in ${stateDir}. ${APPLY_MIGRATIONS}`);
  const writes = statements.some((text) => WRITES.test(text));
  return transaction(file, writes, (database) => statements.map((text) => rowsOf(database, text)));
}

/** Applies the migrations that the database lacks, as one transaction. Creates the database if there is none. */
export function migrateFile(stateDir: string, folder = paths.migrations): void {
  const file = databaseFile(stateDir);
  mkdirSync(dirname(file), { recursive: true });
  transaction(file, true, (database) => {
    database.exec(MIGRATIONS_TABLE);
    const rows = database.prepare("SELECT name FROM d1_migrations").all();
    const applied = new Set(rows.map(({ name }) => name));
    const missing = readdirSync(folder).filter((name) => name.endsWith(".sql") && !applied.has(name));
    for (const name of missing.sort()) migrate(database, folder, name);
  });
}

function migrate(database: DatabaseSync, folder: string, name: string): void {
  try {
    database.exec(readFileSync(join(folder, name), "utf8"));
    database.prepare("INSERT INTO d1_migrations (name) VALUES (?)").run(name);
  } catch (error) {
    throw isSqliteError(error) ? new Failure(`The migration ${name} failed: ${error.message}`) : error;
  }
}

/** Runs `work` as one transaction. When it throws, closing the database undoes what it did. */
function transaction<T>(file: string, writes: boolean, work: (database: DatabaseSync) => T): T {
  try {
    using database = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS });
    // The mode in which workerd opens it.
    database.exec("PRAGMA journal_mode = WAL");
    database.exec(writes ? "BEGIN IMMEDIATE" : "BEGIN");
    const result = work(database);
    database.exec("COMMIT");
    return result;
  } catch (error) {
    throw isSqliteError(error) ? databaseFailure(error.message) : error;
  }
}

function rowsOf(database: DatabaseSync, text: string): unknown[] {
  const statement = database.prepare(text);
  // SQLite would leave out a second statement without an error.
  if (statement.sourceSQL.length < text.trimEnd().length) throw new Error(`More than one statement: ${text}`);
  return statement.all();
}

const isSqliteError = (error: unknown): error is Error =>
  error instanceof Error && "code" in error && error.code === "ERR_SQLITE_ERROR";

/** The path of the database below a state directory. */
export const databaseFile = (stateDir: string): string =>
  join(stateDir, `v3/d1/${DATABASE_CLASS}/${durableObjectId(DATABASE_CLASS, LOCAL_DATABASE_ID)}.sqlite`);

/** A local database is a Durable Object of this class of Miniflare. */
const DATABASE_CLASS = "miniflare-D1DatabaseObject";

/** The ID that workerd gives to an object by its name. */
function durableObjectId(className: string, name: string): string {
  const key = createHash("sha256").update(className).digest();
  const digest = (data: string | Buffer) => createHmac("sha256", key).update(data).digest().subarray(0, 16);
  return Buffer.concat([digest(name), digest(digest(name))]).toString("hex");
}
