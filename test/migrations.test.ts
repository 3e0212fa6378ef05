/// <reference types="vite/types/importMeta.d.ts" />
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import eventTypes from "../src/catalogue/event-types.json" with { type: "json" };

/** File name → SQL, in the order in which wrangler applies them. */
const migrations = Object.entries(
  import.meta.glob<string>("../migrations/*.sql", { query: "?raw", import: "default", eager: true }),
)
  .map(([path, text]) => ({ name: path.replace("../migrations/", ""), text }))
  .sort((a, b) => (a.name < b.name ? -1 : 1));

const digits = (index: number): string => String(index + 1).padStart(4, "0");

/** Lines that make a table, a column, a key, an index or a trigger without a comment on the line before. */
function undocumented(migration: string): string[] {
  const lines = migration.split("\n").map((line) => line.trim());
  let inTable = false;
  return lines.filter((line, index) => {
    if (line === "" || line.startsWith("--")) return false;
    const isMade = inTable ? !line.startsWith(")") : /^(CREATE|ALTER) /.test(line);
    if (line.startsWith(")")) inTable = false;
    if (/^CREATE (VIRTUAL )?TABLE /.test(line)) inTable = true;
    return isMade && !lines[index - 1]?.startsWith("--");
  });
}

it("the migrations are numbered from 0001 without gaps", () => {
  expect(migrations.map(({ name }) => name)).toEqual(
    migrations.map((_, index) => expect.stringMatching(new RegExp(`^${digits(index)}_[a-z_]+\\.sql$`))),
  );
  expect(migrations.length).toBeGreaterThan(0);
});

it.each(migrations)("$name describes every table, column and index", ({ text }) => {
  expect(undocumented(text)).toEqual([]);
});

it.each([
  ["CREATE TABLE a ("],
  ["CREATE VIRTUAL TABLE a USING fts5 ("],
  ["CREATE INDEX a_b ON a (b);"],
  ["CREATE UNIQUE INDEX a_b ON a (b);"],
  ["CREATE TRIGGER a_deleted AFTER DELETE ON a BEGIN"],
  ["ALTER TABLE a ADD COLUMN b TEXT;"],
])("the line %s without a comment is found", (line) => {
  expect(undocumented(`-- Before.\n\n${line}\n`)).toEqual([line]);
  expect(undocumented(`-- A sentence.\n${line}\n`)).toEqual([]);
});

it.each(["b TEXT NOT NULL,", "PRIMARY KEY (b)"])("the line %s of a table without a comment is found", (line) => {
  const table = (before: string) =>
    `-- A table.\nCREATE TABLE a (\n  -- A.\n  a TEXT,\n${before}  ${line}\n) STRICT;\n`;

  expect(undocumented(table(""))).toEqual([line]);
  expect(undocumented(table("  -- B.\n"))).toEqual([]);
});

it("the event types of the catalogue are numbered in the database as in its file", async () => {
  const { results } = await env.DB.prepare("SELECT id, name FROM event_types ORDER BY id").all();

  expect(results).toEqual(eventTypes.map((name, index) => ({ id: index + 1, name })));
});
