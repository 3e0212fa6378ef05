import type { SQL } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { SQLiteAsyncDialect } from "drizzle-orm/sqlite-core";
import type { Database } from "./client.ts";

const dialect = new SQLiteAsyncDialect();

/** The cost of one request, as D1 meters it. */
export interface Meter {
  rowsRead: number;
  rowsWritten: number;
  /** Time D1 spent in SQL, milliseconds. */
  sqlMs: number;
  /** Round trips to the database. */
  roundTrips: number;
}

/** A D1 session of one request: every read goes through it, so that it is metered and sees at least its bookmark. */
export class Reader {
  readonly meter: Meter = { rowsRead: 0, rowsWritten: 0, sqlMs: 0, roundTrips: 0 };
  /** The same session for Drizzle's query builder; its batches are metered too. */
  readonly drizzle: Database;
  readonly #session: D1DatabaseSession;

  /** `bookmark`: as new as this one; without it any replica will do. */
  constructor(db: D1Database, bookmark?: string) {
    this.#session = db.withSession(bookmark ?? "first-unconstrained");
    this.drizzle = drizzle(sessionAsDatabase(this.#session, (statements) => this.#batch(statements)));
  }

  /** Runs statements as one batch, in one round trip and on one snapshot; the rows of each. */
  async read(statements: readonly SQL[]): Promise<Row[][]> {
    const prepared = statements.map((statement) => {
      const { sql, params } = dialect.sqlToQuery(statement);
      return this.#session.prepare(sql).bind(...params);
    });
    const results = await this.#batch<Row>(prepared);
    return results.map(({ results }) => results);
  }

  /** To be passed on by the client, so that its next request sees what this one saw. */
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

/** Drizzle asks for a D1Database but uses these two methods of it only. */
function sessionAsDatabase(session: D1DatabaseSession, batch: D1Database["batch"]): D1Database {
  return { prepare: (query: string) => session.prepare(query), batch } as D1Database;
}

/** A row as D1 gives it: what the SQL selects, under the names it gives. */
export type Row = Readonly<Record<string, string | number | null>>;

/** A column that the SQL says is a number; 0 for the NULL of an aggregate over nothing. */
export const numberAt = (row: Row | undefined, column: string): number => Number(row?.[column] ?? 0);

/** A column that the SQL says is text; empty for NULL. */
export const textAt = (row: Row | undefined, column: string): string => String(row?.[column] ?? "");
