import type { SQLWrapper } from "drizzle-orm";
import { type D1Calls, type Database, database, prepared } from "./client.ts";
import { failingOf } from "./errors.ts";

/** The cost of one request, as D1 meters it. */
export interface Meter {
  rowsRead: number;
  rowsWritten: number;
  /** Time D1 spent in SQL, milliseconds. */
  sqlMs: number;
  /** Round trips to the database. */
  roundTrips: number;
  /** Statements, of which an invocation has 1,000 (https://developers.cloudflare.com/d1/platform/limits/). */
  statements: number;
}

/** Whether a replica has served this isolate. A Worker has one database. */
let isReplicated = false;

/** For tests, whose databases have replicas or not. */
export function forgetReplicas(): void {
  isReplicated = false;
}

/**
 * The D1 session of one request. Every read is metered. Any replica may serve it, and each later read is at least as new
 * as the earlier ones (https://developers.cloudflare.com/d1/best-practices/read-replication/).
 */
export class Reader {
  readonly meter: Meter = { rowsRead: 0, rowsWritten: 0, sqlMs: 0, roundTrips: 0, statements: 0 };
  /** The same session for Drizzle's query builder; only its batches are metered. */
  readonly drizzle: Database;
  /** The primary, which is never behind, for Drizzle's query builder. Outside the session. */
  readonly primary: Database;
  readonly #db: D1Database;
  #session: D1DatabaseSession;
  /** The session of the last batch on the primary. */
  #asked: D1DatabaseSession | undefined;
  #isFromReplica = false;
  #region: string | undefined;
  #alongside: SQLWrapper | undefined;
  #rowsAlongside: readonly Row[] = [];

  constructor(db: D1Database) {
    this.#db = db;
    this.#session = db.withSession("first-unconstrained");
    this.drizzle = database({
      prepare: (query) => this.#session.prepare(query),
      batch: (statements) => this.#batch(statements),
    });
    this.primary = database({
      prepare: (query) => db.prepare(query),
      batch: (statements) => {
        this.#asked = db.withSession("first-primary");
        return this.#metered(this.#asked, statements);
      },
    });
  }

  /** Runs statements as one batch: one round trip, one snapshot. Returns the rows of each. */
  async read(statements: readonly SQLWrapper[]): Promise<Row[][]> {
    const alongside = this.#alongside === undefined ? [] : [this.#alongside];
    this.#alongside = undefined;
    const all = [...statements, ...alongside].map((statement) => prepared(this.#session, statement));
    const results = (await this.#batch<Row>(all)).map(({ results }) => results);
    if (alongside.length > 0) this.#rowsAlongside = results.pop() ?? [];
    return results;
  }

  /** Sends a statement with the next `read`. Returns a function for its rows; none before that. */
  alongside(statement: SQLWrapper): () => readonly Row[] {
    this.#alongside = statement;
    this.#rowsAlongside = [];
    return () => this.#rowsAlongside;
  }

  /** Begins another session, which reads from a replica that has reached `bookmark`. */
  continueFrom(bookmark: string): void {
    this.#begin(bookmark);
  }

  /** Begins another session, which reads from the primary first. */
  continueFromPrimary(): void {
    this.#begin("first-primary");
  }

  #begin(constraint: string): void {
    this.#session = this.#db.withSession(constraint);
    this.#isFromReplica = false;
  }

  /** Names the newest state that the session has read; null before its first read. */
  bookmark(): string | null {
    return this.#session.getBookmark();
  }

  /** Names the state of the primary that was read outside the session; null before such a read. */
  primaryBookmark(): string | null {
    return this.#asked?.getBookmark() ?? null;
  }

  /** Whether a replica may have served a read of this session, so that newer data may exist. */
  get isFromReplica(): boolean {
    return this.#isFromReplica;
  }

  /** Whether this isolate knows that the database has replicas. */
  get hasReplicas(): boolean {
    return isReplicated;
  }

  /** The region that served the last read; undefined for a local database, which has no replicas. */
  get region(): string | undefined {
    return this.#region;
  }

  async #batch<T>(statements: D1PreparedStatement[]): Promise<D1Result<T>[]> {
    const results = await this.#metered<T>(this.#session, statements).catch((error: unknown) => {
      // A replica that has not got the migrations yet on which this code relies; the primary has.
      if (failingOf(error) !== "statement") throw error;
      this.continueFromPrimary();
      return this.#metered<T>(this.#session, statements);
    });
    for (const { meta } of results) {
      this.#region = meta.served_by_region;
      if (meta.served_by_primary !== true) this.#isFromReplica = true;
    }
    if (this.#isFromReplica) isReplicated = true;
    return results;
  }

  async #metered<T>(db: Pick<D1Calls, "batch">, statements: D1PreparedStatement[]): Promise<D1Result<T>[]> {
    this.meter.roundTrips += 1;
    this.meter.statements += statements.length;
    const results = await db.batch<T>(statements);
    for (const { meta } of results) {
      this.meter.rowsRead += meta.rows_read;
      this.meter.rowsWritten += meta.rows_written;
      this.meter.sqlMs += meta.duration;
    }
    return results;
  }
}

/** A row of D1, under the column names of the statement. */
export type Row = Readonly<Record<string, string | number | null>>;

/** A numeric column; 0 for NULL, which an aggregate over no rows returns. */
export const numberAt = (row: Row | undefined, column: string): number => Number(row?.[column] ?? 0);

/** A text column; empty for NULL. */
export const textAt = (row: Row | undefined, column: string): string => String(row?.[column] ?? "");
