import { type Column, getTableColumns, type SQL, sql } from "drizzle-orm";
import { getTableConfig, type SQLiteTable } from "drizzle-orm/sqlite-core";
import { roles, tokens, users } from "../../auth/table.ts";
import { handed } from "../../events/backup/restore.ts";
import { keptEventTables } from "../../events/backup/tables.ts";
import { deadLetters, ingestDays, ingestRejections, producers } from "../../ingest/table.ts";

/** A table that a backup has row by row. */
export interface KeptTable {
  table: SQLiteTable;
  /** The primary key. */
  key: readonly Column[];
  /** The rows that are kept; all without it. */
  where?: SQL;
  /** A deployed Worker writes it without any event; a restore replaces what is there. */
  isStatistic?: true;
  /** A user that was made while the backup was, may be missing: what is theirs is left out. */
  isOfUser?: true;
  /** Rows in one part, where rows are large. */
  partRows?: number;
}

/** Rows in one part. */
const PART_ROWS = 2_000;

/** Rows of dead letters in one part; each has up to 16 KiB. */
const PART_LETTERS = 100;

/**
 * Read before the end of the log, so that a dead letter that is stored meanwhile is in one of the two: what was accepted and
 * cannot be stored yet.
 */
export const DEAD_LETTERS: KeptTable = { table: deadLetters, key: [deadLetters.id], partRows: PART_LETTERS };

/** Read after the end of the log, so that what its events have taught is there. */
export const OTHER_TABLES: readonly KeptTable[] = [
  ...keptEventTables,
  { table: producers, key: [producers.name] },
  { table: users, key: [users.uuid] },
  { table: tokens, key: [tokens.hash], isOfUser: true },
  { table: roles, key: [roles.userUuid, roles.scope, roles.name], isOfUser: true },
  { table: ingestDays, key: [ingestDays.day, ingestDays.producer], isStatistic: true },
  {
    table: ingestRejections,
    key: [ingestRejections.day, ingestRejections.producer, ingestRejections.reason],
    isStatistic: true,
  },
];

export const ALL_TABLES: readonly KeptTable[] = [DEAD_LETTERS, ...OTHER_TABLES];

/** Tables that are not kept, besides those of events: the cron job and the mirror fill them again. */
export const REFILLED_TABLES = ["operations", "mirror_run", "mirror_windows", "mirror_differences"] as const;

export const nameOf = ({ table }: KeptTable): string => getTableConfig(table).name;

/** The kept table of a name. */
export const tableNamed = (name: string): KeptTable | undefined => ALL_TABLES.find((kept) => nameOf(kept) === name);

/** The names of the columns of a table, in the order of its migration. */
export const columnsOf = ({ table }: KeptTable): string[] =>
  Object.values(getTableColumns(table)).map(({ name }) => name);

type Value = string | number | null;

/** Rows of a table after the key of another, in the order of the key. */
export function rowsAfter(kept: KeptTable, row: Readonly<Record<string, Value>> | undefined): SQL {
  const names = kept.key.map(({ name }) => name);
  const key = sql.join(
    names.map((name) => sql.identifier(name)),
    sql`, `,
  );
  const values = sql.join(
    names.map((name) => sql`${row?.[name]}`),
    sql`, `,
  );
  const conditions = [kept.where ?? sql`1`, row === undefined ? sql`1` : sql`(${key}) > (${values})`];
  return sql`SELECT ${identifiers(columnsOf(kept))} FROM ${kept.table}
    WHERE ${sql.join(conditions, sql` AND `)} ORDER BY ${key} LIMIT ${partRows(kept)}`;
}

export const partRows = ({ partRows = PART_ROWS }: KeptTable): number => partRows;

const identifiers = (names: readonly string[]): SQL =>
  sql.join(
    names.map((name) => sql.identifier(name)),
    sql`, `,
  );

/** Writes rows of a table that are handed over (restore.ts) as objects. `columns` are those that each of them has. */
export function insertRows(kept: KeptTable, columns: readonly string[]): SQL {
  const values = sql.join(
    columns.map((column) => sql`value->>${column}`),
    sql`, `,
  );
  const condition = kept.isOfUser ? sql`value->>'user_uuid' IN (SELECT ${users.uuid} FROM ${users})` : sql`1`;
  return sql`INSERT ${sql.raw(kept.isStatistic ? "OR REPLACE" : "")} INTO ${kept.table} (${identifiers(columns)})
    SELECT ${values} FROM ${handed("rows")} WHERE ${condition}`;
}

/** One row with the names of the tables: 1 where a restore would meet rows. */
export const usedTables: SQL = sql`SELECT ${sql.join(
  ALL_TABLES.filter(({ isStatistic }) => !isStatistic).map(
    (kept) =>
      sql`EXISTS (SELECT 1 FROM ${kept.table} WHERE ${kept.where ?? sql`1`}) AS ${sql.identifier(nameOf(kept))}`,
  ),
  sql`, `,
)}`;
