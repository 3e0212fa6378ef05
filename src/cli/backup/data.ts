import type { SQLWrapper } from "drizzle-orm";

/** A row of a statement. */
export type Row = Readonly<Record<string, string | number | null>>;

/** A database, as a backup and a restore use it. */
export interface Data {
  /** Runs statements as one transaction and returns the rows of each. */
  read(statements: readonly SQLWrapper[]): Promise<Row[][]>;
  /** Runs statements as one transaction. */
  write(statements: readonly SQLWrapper[]): Promise<void>;
  /** How many slices of a restore share a transaction: a remote call takes seconds. */
  slicesPerCall: number;
  /** The name of its newest migration. */
  schema: string;
}
