import type { SQLWrapper } from "drizzle-orm";

/** A row of a statement. */
export type Row = Readonly<Record<string, string | number | null>>;

/** A database, as a backup and a restore use it. */
export interface Data {
  /** Runs statements as one transaction and returns the rows of each. */
  read(statements: readonly SQLWrapper[]): Promise<Row[][]>;
  /** Runs statements as one transaction. */
  write(statements: readonly SQLWrapper[]): Promise<void>;
  /** The name of its newest migration. */
  schema: string;
}
