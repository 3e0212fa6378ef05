/// <reference types="vite/types/importMeta.d.ts" />
import { env } from "cloudflare:workers";
import { asc, is, SQL, sql } from "drizzle-orm";
import {
  getTableConfig,
  index,
  integer,
  primaryKey,
  type SQLiteColumn,
  SQLiteSyncDialect,
  SQLiteTable,
  sqliteTable,
  text,
} from "drizzle-orm/sqlite-core";
import { describe, expect, it } from "vitest";

/** What a table definition in TypeScript and a table in the database have in common. */
interface Table {
  columns: Column[];
  primaryKey: string[];
  autoIncrement: boolean;
  /** The columns of each UNIQUE constraint. */
  unique: string[][];
  indexes: { name: string; isUnique: boolean; columns: string[]; where: string | undefined }[];
  /** Lines "column → table.column". */
  foreignKeys: string[];
  /** Column → the values that it is limited to. */
  values: Record<string, readonly string[]>;
}

interface Column {
  name: string;
  type: string;
  isNullable: boolean;
  /** As SQL. */
  default: string | undefined;
  /** The SQL of a computed column. */
  generated: string | undefined;
}

const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);

const dialect = new SQLiteSyncDialect();
const written = (fragment: SQL): string => dialect.sqlToQuery(fragment).sql;

/** A Drizzle definition. */
function defined(table: SQLiteTable): Table {
  const { columns, indexes, primaryKeys, foreignKeys } = getTableConfig(table);
  const [key] = primaryKeys;
  return {
    columns: columns.map(definedColumn),
    primaryKey: (key?.columns ?? columns.filter(({ primary }) => primary)).map(({ name }) => name),
    autoIncrement: columns.some((column) => "autoIncrement" in column && column.autoIncrement === true),
    unique: columns.filter(({ isUnique }) => isUnique).map(({ name }) => [name]),
    indexes: indexes
      .map(({ config }) => ({
        name: config.name,
        isUnique: config.unique,
        columns: config.columns.map((column) => written(is(column, SQL) ? column : asc(column))),
        where: config.where && written(config.where),
      }))
      .sort(byName),
    foreignKeys: foreignKeys.map((foreignKey) => {
      const { columns, foreignTable, foreignColumns } = foreignKey.reference();
      return `${columns[0]?.name} → ${getTableConfig(foreignTable).name}.${foreignColumns[0]?.name}`;
    }),
    values: Object.fromEntries(
      columns.flatMap(({ name, enumValues }) => (enumValues?.length ? [[name, enumValues]] : [])),
    ),
  };
}

function definedColumn(column: SQLiteColumn): Column {
  const value = column.default === undefined ? undefined : column.mapToDriverValue(column.default);
  const generated = column.generated?.as;
  return {
    name: column.name,
    type: column.getSQLType().toUpperCase(),
    isNullable: !column.notNull,
    default: value === undefined ? undefined : typeof value === "string" ? `'${value}'` : String(value),
    generated: is(generated, SQL) ? written(generated) : undefined,
  };
}

/** All definitions, by the name of their table. */
const definitions = (): Record<string, Table> => {
  const modules = import.meta.glob<Record<string, unknown>>("../src/*/table.ts", { eager: true });
  const tables = Object.values(modules)
    .flatMap(Object.values)
    .filter((value) => is(value, SQLiteTable));
  return Object.fromEntries(tables.map((table) => [getTableConfig(table).name, defined(table)]));
};

type Row = Record<string, string | number | null>;

async function rows(query: string, ...values: string[]): Promise<Row[]> {
  const { results } = await env.DB.prepare(query)
    .bind(...values)
    .all<Row>();
  return results;
}

/** The tables that the migrations make, without those of FTS5, SQLite, D1 and wrangler. */
async function migrated(): Promise<Record<string, Table>> {
  const tables = await rows(`SELECT list.name, sql FROM pragma_table_list AS list JOIN sqlite_schema USING (name)
    WHERE list.schema = 'main' AND list.type = 'table' AND NOT name GLOB 'sqlite_*' AND NOT name GLOB '_cf_*'
      AND name <> 'd1_migrations'`);
  return Object.fromEntries(
    await Promise.all(tables.map(async ({ name, sql }) => [name, await migratedTable(String(name), String(sql))])),
  );
}

async function migratedTable(table: string, create: string): Promise<Table> {
  const columns = await rows("SELECT * FROM pragma_table_xinfo(?) ORDER BY cid", table);
  const indexes = await rows('SELECT name, "unique", origin FROM pragma_index_list(?)', table);
  const ofOrigin = (origin: string) => indexes.filter((index) => index.origin === origin);
  const foreignKeys = await rows("SELECT * FROM pragma_foreign_key_list(?)", table);
  return {
    columns: columns.map((column) => migratedColumn(column, create)),
    primaryKey: columns
      .filter(({ pk }) => pk !== 0)
      .sort((a, b) => Number(a.pk) - Number(b.pk))
      .map(nameOf),
    autoIncrement: /AUTOINCREMENT/.test(create.replace(/--.*/g, "")),
    unique: await Promise.all(ofOrigin("u").map(async (index) => (await indexColumns(index)).map(nameOf))),
    indexes: (await Promise.all(ofOrigin("c").map((index) => migratedIndex(index, table)))).sort(byName),
    foreignKeys: foreignKeys.map(({ from, table: to, to: column }) => `${from} → ${to}.${column}`),
    values: Object.fromEntries(
      [...create.matchAll(/CHECK \((\w+) IN \('([^)]*)'\)\)/g)].map(([, column, list]) => [
        column,
        list?.split("', '"),
      ]),
    ),
  };
}

function migratedColumn(column: Row, create: string): Column {
  const { type, notnull, pk, dflt_value, hidden } = column;
  const name = nameOf(column);
  return {
    name,
    type: String(type),
    isNullable: notnull === 0 && pk === 0,
    default: dflt_value === null ? undefined : String(dflt_value),
    generated: hidden === 0 ? undefined : new RegExp(`^ *${name} TEXT AS \\((.*)\\),?$`, "m").exec(create)?.[1],
  };
}

async function migratedIndex(index: Row, table: string): Promise<Table["indexes"][number]> {
  const columns = await indexColumns(index);
  const [{ sql } = {}] = await rows("SELECT sql FROM sqlite_schema WHERE name = ?", nameOf(index));
  return {
    name: nameOf(index),
    isUnique: index.unique === 1,
    columns: columns.map((column) => `"${table}"."${nameOf(column)}" ${column.desc === 1 ? "desc" : "asc"}`),
    where: / WHERE (.*)$/.exec(String(sql))?.[1],
  };
}

const indexColumns = (index: Row) =>
  rows("SELECT name, desc FROM pragma_index_xinfo(?) WHERE key = 1 ORDER BY seqno", nameOf(index));

const nameOf = ({ name }: Row): string => String(name);

it("every table of the migrations has the same definition in Drizzle, and no other table has one", async () => {
  expect(definitions()).toEqual(await migrated());
});

it("the tables of each subject are among those compared", async () => {
  expect(Object.keys(await migrated())).toEqual(expect.arrayContaining(["events", "producers", "users"]));
});

describe("a definition differs from the table in the database", () => {
  const name = () => text().notNull();
  const size = () => integer().notNull();
  const create = `CREATE TABLE things (
    name TEXT PRIMARY KEY,
    size INTEGER NOT NULL,
    big TEXT AS (size > 9)
  ) STRICT, WITHOUT ROWID`;
  const big = () => text().generatedAlwaysAs(sql`size > 9`);
  const key = () => text().primaryKey();

  it("never, when it says the same", async () => {
    await env.DB.prepare(create).run();

    expect(defined(sqliteTable("things", { name: key(), size: size(), big: big() }))).toEqual(
      (await migrated()).things,
    );
  });

  it.each<[what: string, table: SQLiteTable]>([
    ["without a column", sqliteTable("things", { name: key(), size: size() })],
    ["with one more column", sqliteTable("things", { name: key(), size: size(), big: big(), colour: text() })],
    ["with another type", sqliteTable("things", { name: key(), size: text().notNull(), big: big() })],
    ["with a column that may be null", sqliteTable("things", { name: key(), size: integer(), big: big() })],
    ["without a primary key", sqliteTable("things", { name: name(), size: size(), big: big() })],
    [
      "with another primary key",
      sqliteTable("things", { name: name(), size: size(), big: big() }, (table) => [
        primaryKey({ columns: [table.name, table.size] }),
      ]),
    ],
    ["with a default", sqliteTable("things", { name: key(), size: size().default(1), big: big() })],
    [
      "with another computation",
      sqliteTable("things", { name: key(), size: size(), big: text().generatedAlwaysAs(sql`size > 8`) }),
    ],
    ["with a unique column", sqliteTable("things", { name: key(), size: size().unique(), big: big() })],
    [
      "with an index",
      sqliteTable("things", { name: key(), size: size(), big: big() }, (table) => [index("sizes").on(table.size)]),
    ],
  ])("%s", async (_what, table) => {
    await env.DB.prepare(create).run();

    expect(defined(table)).not.toEqual((await migrated()).things);
  });
});
