import { env } from "cloudflare:workers";
import { onTestFinished } from "vitest";
import { emptyStorage } from "../support/storage.ts";

/**
 * A D1 database with read replicas that lag. Documented
 * (https://developers.cloudflare.com/d1/best-practices/read-replication/): writes, and all statements without a session, go to
 * the primary; the first query of a session goes to any instance (`first-unconstrained`), to the primary
 * (`first-primary`), or to one that has reached a bookmark; each later query goes to an instance that is not older than the
 * earlier ones; a lag has no limit; bookmarks sort by time.
 *
 * Assumed: a replica has a committed prefix, never a part of a transaction; the bookmark of a read is that of the prefix; a
 * bookmark that the database never gave is an error. The hash at the end of a bookmark is made up.
 *
 * A replica here is a real local D1 database. Each commit of the primary is kept, and run again on a replica when a read
 * needs it, so a replica can be any number of commits behind, and never goes back.
 */
export interface LaggingDatabase {
  /** Commits of the primary. */
  commits: () => number;
  /** How far behind the primary the next read may be, in commits, or that the primary serves it. Default: 0. */
  lag: () => number | "primary";
  /** Runs before each read of a session. */
  beforeRead: () => Promise<void>;
  /** The prefixes that were read in sessions, in commits, in their order; "primary" for reads without a session. */
  readonly reads: (number | "primary")[];
}

interface Command {
  sql: string;
  params: readonly unknown[];
}

interface Replica {
  db: D1Database;
  /** Commits. */
  applied: number;
  /** Ends when the last read of it has ended. */
  idle: Promise<unknown>;
}

/** Runs commands on an instance: `run` gets its database. */
type Route = <T>(commands: readonly Command[], run: (db: D1Database) => Promise<T>) => Promise<T>;

const WRITE = /^\s*(?!SELECT|EXPLAIN|WITH)|\b(INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM)\b/i;
const REGION = "WEUR";

/**
 * Gives the test an empty database with replicas as `env.DB`, until its end. Call it first: it empties all storage.
 */
export async function laggingReplicas(): Promise<LaggingDatabase> {
  const primary = env.DB;
  const replicas: Replica[] = [env.REPLICA_1, env.REPLICA_2, env.REPLICA_3].map((db) => ({
    db,
    applied: 0,
    idle: Promise.resolve(),
  }));
  // Storage is emptied of databases that run (test/support/storage.ts).
  await Promise.all(replicas.map(({ db }) => db.prepare("SELECT 1").run()));
  await emptyStorage();
  const migrations = env.TEST_MIGRATIONS.flatMap((migration) => migration.queries);
  const made = await primary.prepare("SELECT incarnation, feed_key FROM commit_watermark").first();
  const same = `UPDATE commit_watermark SET incarnation = ${made?.incarnation}, feed_key = '${made?.feed_key}'`;
  const statements = [...migrations, same];
  await Promise.all(replicas.map(({ db }) => db.batch(statements.map((statement) => db.prepare(statement)))));
  const world = new World(primary, replicas);
  env.DB = world.binding();
  onTestFinished(() => {
    env.DB = primary;
  });
  return world;
}

class World implements LaggingDatabase {
  readonly #primary: D1Database;
  readonly #replicas: readonly Replica[];
  readonly #log: (readonly Command[])[] = [];
  readonly #commands = new WeakMap<object, Command>();
  #written: Promise<unknown> = Promise.resolve();
  readonly reads: (number | "primary")[] = [];
  lag: LaggingDatabase["lag"] = () => 0;
  beforeRead: LaggingDatabase["beforeRead"] = async () => {};

  constructor(primary: D1Database, replicas: readonly Replica[]) {
    this.#primary = primary;
    this.#replicas = replicas;
  }

  commits = (): number => this.#log.length;

  binding(): D1Database {
    const route: Route = (commands, run) => {
      if (commands.some(isWrite)) return this.#write(commands, run);
      this.reads.push("primary");
      return run(this.#primary);
    };
    const calls = {
      ...this.#calls(route),
      exec: (sql: string) => route([{ sql, params: [] }], (db) => db.exec(sql)),
      withSession: (constraint = "first-unconstrained") => this.#session(constraint),
    };
    return new Proxy(this.#primary, { get: (_, name) => Reflect.get(calls, name) });
  }

  #session(constraint: string): D1DatabaseSession {
    let at = constraint.startsWith("first-") ? undefined : commitsOf(constraint);
    let isFirst = true;
    const route: Route = async (commands, run) => {
      if (commands.some(isWrite)) {
        const result = await this.#write(commands, run);
        at = this.commits();
        return result;
      }
      await this.beforeRead();
      if (at !== undefined && at > this.commits()) throw new Error(`D1_ERROR: ${constraint} is not a bookmark.`);
      const lag = isFirst && constraint === "first-primary" ? "primary" : this.lag();
      isFirst = false;
      const served =
        lag === "primary"
          ? await this.#onPrimary(run)
          : await this.#onReplica(Math.max(at ?? 0, this.commits() - lag), run);
      at = Math.max(at ?? 0, served.at);
      this.reads.push(served.at);
      return served.result;
    };
    const getBookmark = () => (at === undefined ? null : bookmarkOf(at));
    const calls = { ...this.#calls(route), getBookmark };
    return new Proxy(this.#primary.withSession(), { get: (_, name) => Reflect.get(calls, name) });
  }

  #calls(route: Route) {
    return {
      prepare: (sql: string) => this.#statement(route, { sql, params: [] }),
      batch: (statements: readonly D1PreparedStatement[]) => {
        const commands = statements.map((statement) => this.#commandOf(statement));
        return route(commands, (db) => db.batch(commands.map((command) => on(db, command))));
      },
    };
  }

  #statement(route: Route, command: Command): D1PreparedStatement {
    const statement = new Proxy(on(this.#primary, command), {
      get: (_, name) => {
        if (name === "bind") return (...params: unknown[]) => this.#statement(route, { ...command, params });
        return (...args: unknown[]) =>
          route([command], (db) => {
            const real = on(db, command);
            return Reflect.get(real, name).apply(real, args);
          });
      },
    });
    this.#commands.set(statement, command);
    return statement;
  }

  #commandOf(statement: D1PreparedStatement): Command {
    const command = this.#commands.get(statement);
    if (command === undefined) throw new Error("A statement of another database.");
    return command;
  }

  /** One after the other, so that the log has their order. */
  async #write<T>(commands: readonly Command[], run: (db: D1Database) => Promise<T>): Promise<T> {
    const result = this.#written.then(() => run(this.#primary));
    this.#written = result.then(
      () => this.#log.push(commands),
      () => undefined,
    );
    await this.#written;
    return result;
  }

  async #onPrimary<T>(run: (db: D1Database) => Promise<T>): Promise<{ at: number; result: T }> {
    await this.#written;
    const at = this.commits();
    return { at, result: servedBy(true, await run(this.#primary)) };
  }

  /** On the newest replica that is not newer than `target`; when all are, on the oldest one. */
  async #onReplica<T>(target: number, run: (db: D1Database) => Promise<T>): Promise<{ at: number; result: T }> {
    const byAge = this.#replicas.toSorted((a, b) => a.applied - b.applied);
    const replica = byAge.findLast(({ applied }) => applied <= target) ?? byAge[0];
    if (replica === undefined) throw new Error("There is no replica.");
    const served = replica.idle.then(async () => {
      // One transaction for all commits: nobody reads in between.
      const missing = this.#log.slice(replica.applied, target).flat();
      if (missing.length > 0) await replica.db.batch(missing.map((command) => on(replica.db, command)));
      replica.applied = Math.max(replica.applied, target);
      const at = replica.applied;
      return { at, result: servedBy(false, await run(replica.db)) };
    });
    replica.idle = served.catch(() => undefined);
    return served;
  }
}

const isWrite = ({ sql }: Command): boolean => WRITE.test(sql);

const on = (db: D1Database, { sql, params }: Command): D1PreparedStatement => db.prepare(sql).bind(...params);

/** A result, or an array of them, with the meta that D1 gives it in the cloud. */
function servedBy<T>(isPrimary: boolean, result: T): T {
  for (const one of [result].flat()) {
    if (typeof one === "object" && one !== null && "meta" in one)
      Object.assign(Object(one.meta), { served_by_primary: isPrimary, served_by_region: REGION });
  }
  return result;
}

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, "0");

/** In D1's form: `00000085-0000024c-00004c6d-8e61117bf38d7adb71b934ebbf891683`. */
const bookmarkOf = (commits: number): string => `${hex(commits, 8)}-00000000-00004c6d-${hex(commits * 7919, 32)}`;

const commitsOf = (bookmark: string): number => Number.parseInt(bookmark.slice(0, 8), 16);
