import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { sql } from "drizzle-orm";
import packageJson from "../../package.json" with { type: "json" };
import { applyMigrations, query, type Row } from "../../src/cli/d1.ts";
import type { LocalTarget } from "../../src/cli/target.ts";

const ROOT = resolve(import.meta.dirname, "../..");
/** The arguments of Node in `npm run admin`. */
const [, ...ADMIN] = packageJson.scripts.admin.split(" ");

interface Finished {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A local database in a directory of its own. */
export class LocalDatabase {
  readonly target: LocalTarget;

  private constructor(stateDir: string) {
    this.target = { remote: false, stateDir };
  }

  /** Makes a directory without a database. */
  static async missing(): Promise<LocalDatabase> {
    return new LocalDatabase(await mkdtemp(join(tmpdir(), "edge-events-admin-")));
  }

  /** Makes a database with all migrations. */
  static async create(): Promise<LocalDatabase> {
    const database = await LocalDatabase.missing();
    await applyMigrations(database.target);
    return database;
  }

  /** Runs SQL statements as one transaction and returns the rows of the last one. */
  query(...statements: string[]): Promise<Row[]> {
    return query(this.target, ...statements.map((statement) => sql.raw(statement)));
  }

  /** Runs `npm run admin -- ARGS` on this database. */
  async admin(...args: string[]): Promise<Finished> {
    const env = { ...process.env, STATE_DIR: this.target.stateDir, AUDIT: "on" };
    const child = spawn(process.execPath, [...ADMIN, ...args], { cwd: ROOT, env });
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
    return { code: child.exitCode, stdout, stderr };
  }

  async remove(): Promise<void> {
    await rm(this.target.stateDir, { recursive: true, force: true });
  }
}
