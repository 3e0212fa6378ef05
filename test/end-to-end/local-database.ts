import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { sql } from "drizzle-orm";
import { applyMigrations, query, type Row } from "../../src/cli/d1.ts";
import type { Target } from "../../src/cli/target.ts";

const ADMIN = resolve(import.meta.dirname, "../../src/cli/admin.ts");

interface Finished {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A local database with all migrations, in a directory of its own. */
export class LocalDatabase {
  readonly target: Target;
  readonly #stateDir: string;

  private constructor(stateDir: string) {
    this.#stateDir = stateDir;
    this.target = { remote: false, stateDir };
  }

  static async create(): Promise<LocalDatabase> {
    const database = new LocalDatabase(await mkdtemp(join(tmpdir(), "edge-events-admin-")));
    await applyMigrations(database.target);
    return database;
  }

  /** Runs SQL statements and returns the rows of the last one. */
  query(statements: string): Promise<Row[]> {
    return query(this.target, sql.raw(statements));
  }

  /** Runs `npm run admin -- ARGS` on this database. */
  async admin(...args: string[]): Promise<Finished> {
    const env = { ...process.env, STATE_DIR: this.#stateDir };
    const child = spawn(process.execPath, [ADMIN, ...args], { env });
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
    return { code: child.exitCode, stdout, stderr };
  }

  async remove(): Promise<void> {
    await rm(this.#stateDir, { recursive: true, force: true });
  }
}
