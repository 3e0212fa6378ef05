import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, it } from "node:test";
import { databaseFile, migrateFile } from "../../src/cli/local-d1.ts";
import { LocalDatabase } from "./local-database.ts";

describe("the local database", () => {
  let database: LocalDatabase;

  beforeEach(async () => {
    database = await LocalDatabase.missing();
  });
  afterEach(() => database.remove());

  it("applies the migrations that it lacks, in the order of their names", async () => {
    const first = await migrations({ "0001_a.sql": "CREATE TABLE a (n); -- A comment; with a semicolon" });
    migrateFile(database.target.stateDir, first);
    const all = await migrations({
      "0001_a.sql": "This is applied.",
      "0010_c.sql": "INSERT INTO a VALUES (10);",
      "0002_b.sql": "INSERT INTO a VALUES (2)",
      "README.md": "This is no migration.",
    });
    migrateFile(database.target.stateDir, all);

    assert.deepEqual(await database.query("SELECT n FROM a ORDER BY rowid"), [{ n: 2 }, { n: 10 }]);
    assert.deepEqual(await database.query("SELECT name FROM d1_migrations ORDER BY id"), [
      { name: "0001_a.sql" },
      { name: "0002_b.sql" },
      { name: "0010_c.sql" },
    ]);
  });

  it("applies no migration when one of them fails, and names that one", async () => {
    migrateFile(database.target.stateDir, await migrations({}));
    const broken = await migrations({ "0001_a.sql": "CREATE TABLE a (n)", "0002_b.sql": "DROP TABLE b;" });

    assert.throws(() => migrateFile(database.target.stateDir, broken), {
      message: "The migration 0002_b.sql failed: no such table: b",
    });
    assert.deepEqual(await database.query("SELECT name FROM sqlite_master WHERE name = 'a'"), []);
  });

  it("runs the statements of one call as a transaction", async () => {
    migrateFile(database.target.stateDir, await migrations({ "0001_a.sql": "CREATE TABLE a (n NOT NULL)" }));

    const inserted = database.query("INSERT INTO a VALUES (1)", "INSERT INTO a VALUES (NULL)");

    await assert.rejects(inserted, { message: "The database returned an error: NOT NULL constraint failed: a.n" });
    assert.deepEqual(await database.query("SELECT n FROM a"), []);
  });

  it("reads what is committed while another connection writes", async () => {
    migrateFile(database.target.stateDir, await migrations({ "0001_a.sql": "CREATE TABLE a (n)" }));
    using writer = new DatabaseSync(databaseFile(database.target.stateDir));
    writer.exec("BEGIN IMMEDIATE; INSERT INTO a VALUES (1)");

    const rows = await database.query("WITH b AS (SELECT count(*) AS n FROM a) SELECT n FROM b");

    assert.deepEqual(rows, [{ n: 0 }]);
  });

  it("returns integers as they are, and rejects those that a number cannot have", async () => {
    migrateFile(database.target.stateDir, await migrations({}));

    assert.deepEqual(await database.query(`SELECT ${Number.MAX_SAFE_INTEGER} AS n`), [{ n: Number.MAX_SAFE_INTEGER }]);
    await assert.rejects(database.query("SELECT 9007199254740993 AS n"), RangeError);
  });

  it("rejects a text with two statements, of which SQLite would run the first only", async () => {
    migrateFile(database.target.stateDir, await migrations({}));

    await assert.rejects(database.query("SELECT 1; SELECT 2"), /More than one statement/);
  });

  it("is not made by a command that needs one, which says what makes it", async () => {
    const { code, stderr } = await database.admin("user", "list");

    assert.match(stderr, /^There is no database in .+\. Apply the migrations: npm start applies them to the local/);
    assert.deepEqual([code, existsSync(join(database.target.stateDir, "v3"))], [1, false]);
  });

  it("says what to do when it lacks a table", async () => {
    migrateFile(database.target.stateDir, await migrations({}));

    const { code, stderr } = await database.admin("user", "list");

    assert.equal(code, 1);
    assert.match(stderr, /^The database returned an error: no such table: users\. Apply the migrations: npm start/);
  });

  /** Writes files into a new folder and returns its path. */
  async function migrations(files: Readonly<Record<string, string>>): Promise<string> {
    const folder = join(database.target.stateDir, `migrations-${Object.keys(files).length}`);
    await mkdir(folder);
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    return folder;
  }
});
