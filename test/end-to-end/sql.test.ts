import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { sql } from "drizzle-orm";
import { users } from "../../src/auth/table.ts";
import { executeSecretly, query } from "../../src/cli/d1.ts";
import { builder, sqlText, startsWith } from "../../src/cli/sql.ts";
import { isNamed } from "../../src/cli/users.ts";
import { executeFileByWrangler, queryByWrangler } from "../../src/cli/wrangler-d1.ts";
import { LocalDatabase } from "./local-database.ts";

/** Texts with characters that are special in SQL, in shells, or where wrangler splits statements. */
const TEXTS = [
  "it's",
  "''",
  "'; DELETE FROM texts; --",
  "? ?1 :name @name $name",
  '"double" `back` [square]',
  "back\\slash \\' $HOME %s",
  "line\nbreak\ttab; -- comment /* comment */",
  "õ 漢字 🦉 \u{e000}",
  "",
];

describe("the text of a statement", () => {
  it("has its parameters as literals", () => {
    const statement = sql`SELECT ${1.7e15}, ${-1}, ${null}, ${"it's"}`;
    assert.equal(sqlText(statement), "SELECT 1700000000000000, -1, null, 'it''s'");
  });

  it("has the literals of columns for the values of the query builder", () => {
    const statement = builder.update(users).set({ isStaff: true, tokenLifetime: null }).where(isNamed("o'hara"));
    assert.equal(
      sqlText(statement),
      `update "users" set "is_staff" = 1, "token_lifetime" = null where "users"."username" = 'o''hara'`,
    );
  });

  it("cannot have a NUL character, which would end it", () => {
    assert.throws(() => sqlText(sql`SELECT ${"a\0b"}`), /NUL/);
  });
});

describe("a statement with texts", () => {
  let database: LocalDatabase;
  const insert = () =>
    sql`INSERT INTO texts (text) VALUES ${sql.join(
      TEXTS.map((text) => sql`(${text})`),
      sql`, `,
    )}`;
  const stored = async () => (await database.query("SELECT text FROM texts ORDER BY id")).map(({ text }) => text);

  beforeEach(async () => {
    database = await LocalDatabase.create();
    await database.query("CREATE TABLE texts (id INTEGER PRIMARY KEY, text TEXT NOT NULL)");
  });
  afterEach(() => database?.remove());

  it("stores them as they are in the local database", async () => {
    await query(database.target, insert());
    await executeSecretly(database.target, insert());
    assert.deepEqual(await stored(), [...TEXTS, ...TEXTS]);
  });

  it("stores them as they are when wrangler runs it, from the command line and from a file", async () => {
    await queryByWrangler(database.target, [sqlText(insert())]);
    await executeFileByWrangler(database.target, [sqlText(insert())]);
    assert.deepEqual(await stored(), [...TEXTS, ...TEXTS]);
  });

  it("finds texts by their first letters, of which none is a wildcard", async () => {
    await query(database.target, insert());
    const counts = ["õ 漢", "%", "IT"].map(
      (prefix) => sql`(SELECT count(*) FROM texts WHERE ${startsWith(sql`text`, prefix)})`,
    );
    const [row] = await query(database.target, sql`SELECT json_array(${sql.join(counts, sql`, `)}) AS counts`);
    assert.equal(row?.counts, "[1,0,0]");
  });
});
