import type { SQLWrapper } from "drizzle-orm";
import { type Database, database, prepared } from "./client.ts";

/** The cost of one request, as D1 meters it. */
export interface Meter {
  rowsRead: number;
  rowsWritten: number;
  /** Time D1 spent in SQL, milliseconds. */
  sqlMs: number;
  /** Round trips to the database. */
  roundTrips: number;
}

/** The D1 session of one request. Every read is metered. */
export class Reader {
  readonly meter: Meter = { rowsRead: 0, rowsWritten: 0, sqlMs: 0, roundTrips: 0 };
  /** The same session for Drizzle's query builder; only its batches are metered. */
  readonly drizzle: Database;
  readonly #db: D1Database;
  #session: D1DatabaseSession;

  /** Reads from any replica. */
  constructor(db: D1Database) {
    this.#db = db;
    this.#session = db.withSession("first-unconstrained");
    this.drizzle = database({
      prepare: (query) => this.#session.prepare(query),
      batch: (statements) => this.#batch(statements),
    });
  }

  /** Runs statements as one batch: one round trip, one snapshot. Returns the rows of each. */
  async read(statements: readonly SQLWrapper[]): Promise<Row[][]> {
    const results = await this.#batch<Row>(statements.map((statement) => prepared(this.#session, statement)));
    return results.map(({ results }) => results);
  }

  /** Goes on with a session that reads from a replica that has reached `bookmark`. */
  continueFrom(bookmark: string): void {
    this.#session = this.#db.withSession(bookmark);
  }

  /** A client that sends it back reads nothing older than this request did. */
  bookmark(): string | null {
    return this.#session.getBookmark();
  }

  async #batch<T>(statements: D1PreparedStatement[]): Promise<D1Result<T>[]> {
    this.meter.roundTrips += 1;
    const results = await this.#session.batch<T>(statements);
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
