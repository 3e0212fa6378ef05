import { type SQL, sql } from "drizzle-orm";
import { type Database, runBatch } from "../db/client.ts";
import { integer } from "../db/sql.ts";
import { LEASE_MS, MAX_DIFFERENCES } from "./limits.ts";
import { SliceOver } from "./problems.ts";
import { MICROSECONDS, type Range } from "./range.ts";
import { type Difference, type Run, runOf, type Window, windowOf } from "./rows.ts";

// Raw SQL: lists travel as one parameter through json_each, and every write depends on the lease.

type Column = Exclude<keyof Run, "lease_until">;
type Value = string | number | null;

export const readRun = async (db: Database): Promise<Run | undefined> =>
  runOf((await runBatch(db, [sql`SELECT * FROM mirror_run`]))[0]?.results[0]);

/** The state of the mirror, for the one who has the lease. Writes of anybody else do nothing, and throw SliceOver. */
export class Store {
  readonly #db: Database;
  readonly #lease: string;

  /** `lease`: a text that nobody else has. */
  constructor(db: Database, lease: string) {
    this.#db = db;
    this.#lease = lease;
  }

  /** Takes the lease. Undefined while the mirror does not run, waits, or somebody else works. `now` in milliseconds. */
  async take(now: number): Promise<Run | undefined> {
    const [taken] = await runBatch(this.#db, [
      sql`UPDATE mirror_run SET lease = ${this.#lease}, lease_until = ${integer(now + LEASE_MS)}
        WHERE state = 'running' AND resume_at <= ${integer(now)} AND lease_until < ${integer(now)} RETURNING *`,
    ]);
    return runOf(taken?.results[0]);
  }

  /** Writes columns of the run. With `added`, numbers to add to columns. */
  async save(changes: Partial<Record<Column, Value>>, added: Partial<Record<Column, number>> = {}): Promise<void> {
    await this.#write([this.#change(changes, added)]);
  }

  /** The last write: gives the lease back. */
  async release(changes: Partial<Record<Column, Value>>, added: Partial<Record<Column, number>>): Promise<void> {
    await runBatch(this.#db, [this.#change({ ...changes }, added, sql`lease = '', lease_until = 0`)]);
  }

  /** Writes a window, new or known, with columns of the run. In one that is equal, no event differs any more. */
  async saveWindow(
    window: Window,
    changes: Partial<Record<Column, Value>> = {},
    added: Partial<Record<Column, number>> = {},
  ): Promise<void> {
    const names = Object.keys(window);
    const columns = sql.raw(names.join(", "));
    const values = sql.join(Object.values(window).map(bound), sql`, `);
    await this.#write([
      this.#change(changes, added),
      sql`INSERT OR REPLACE INTO mirror_windows (${columns}) SELECT ${values} WHERE ${this.#isMine}`,
      ...(window.state === "equal" ? [this.#forget({ from: window.from_s, to: window.to_s })] : []),
    ]);
  }

  /** Replaces what is known to differ in a range: at most MAX_DIFFERENCES events. `now` in milliseconds. */
  async saveDifferences({ from, to }: Range, found: readonly Difference[], now: number): Promise<void> {
    const rows = found
      .slice(0, MAX_DIFFERENCES)
      .map(({ uuid, kind, created, detail }) => [uuid, kind, created, detail]);
    await this.#write([
      this.#change({}),
      this.#forget({ from, to }),
      sql`INSERT OR REPLACE INTO mirror_differences (uuid, kind, created, seen_at, detail)
        SELECT value->>0, value->>1, value->>2, ${integer(now)}, value->>3 FROM json_each(${JSON.stringify(rows)})
        WHERE ${this.#isMine}`,
    ]);
  }

  /** The windows that are to be compared, the longest due first. `now` in milliseconds. */
  async due(now: number, limit: number): Promise<Window[]> {
    const [read] = await runBatch(this.#db, [
      sql`SELECT * FROM mirror_windows WHERE next_at <= ${integer(now)} ORDER BY next_at LIMIT ${integer(limit)}`,
    ]);
    return (read?.results ?? []).map(windowOf);
  }

  /** The windows that touch a range are not known to agree any more, and are compared at a time: milliseconds. */
  async recompare({ from, to }: Range, at: number): Promise<void> {
    await this.#write([
      this.#change({}),
      sql`UPDATE mirror_windows SET next_at = ${integer(at)}, tries = 0,
          state = iif(state IN ('equal', 'counted'), 'read', state)
        WHERE from_s < ${integer(to)} AND to_s > ${integer(from)} AND ${this.#isMine}`,
    ]);
  }

  get #isMine(): SQL {
    return sql`EXISTS (SELECT 1 FROM mirror_run WHERE lease = ${this.#lease})`;
  }

  #forget({ from, to }: Range): SQL {
    return sql`DELETE FROM mirror_differences WHERE created >= ${integer(from * MICROSECONDS)}
      AND created < ${integer(to * MICROSECONDS)} AND ${this.#isMine}`;
  }

  #change(
    changes: Partial<Record<Column, Value>>,
    added: Partial<Record<Column, number>> = {},
    first: SQL = sql`lease = lease`,
  ): SQL {
    const sets = Object.entries(changes).map(([name, value]) => sql`${sql.raw(name)} = ${bound(value)}`);
    const sums = Object.entries(added).map(([name, by]) => sql`${sql.raw(name)} = ${sql.raw(name)} + ${integer(by)}`);
    return sql`UPDATE mirror_run SET ${sql.join([first, ...sets, ...sums], sql`, `)} WHERE lease = ${this.#lease}`;
  }

  /** The first statement changes the run: when it does not, the lease is gone. */
  async #write(statements: readonly SQL[]): Promise<void> {
    const [first] = await runBatch(this.#db, statements);
    if (first?.meta.changes === 0) throw new SliceOver();
  }
}

const bound = (value: Value): SQL => (typeof value === "number" ? integer(value) : sql`${value}`);
