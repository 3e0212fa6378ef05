import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { cp, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import type { Row } from "../../src/cli/backup/data.ts";
import { FileStore } from "../../src/cli/backup/file-store.ts";
import { restore } from "../../src/cli/backup/restore.ts";
import { applyMigrations } from "../../src/cli/d1.ts";
import { migrateFile } from "../../src/cli/local-d1.ts";
import { SPILL_BUCKET_NAME } from "../../src/cli/names.ts";
import { paths } from "../../src/cli/paths.ts";
import { readObject } from "../../src/cli/r2.ts";
import { sqlText } from "../../src/cli/sql.ts";
import { targetOptions } from "../../src/cli/target.ts";
import { runWrangler } from "../../src/cli/wrangler.ts";
import { executeFileByWrangler, migrateByWrangler, queryByWrangler } from "../../src/cli/wrangler-d1.ts";
import { bodyKey } from "../../src/ingest/queue/keys.ts";
import { LocalDatabase } from "./local-database.ts";

const DEAD_LETTER = "ab".repeat(16);
const APPLIED = "SELECT id, name FROM d1_migrations";
/** All but the tables of workerd, and wrangler's own, which differs in its spaces. */
const SCHEMA =
  "SELECT type, name, sql FROM sqlite_master WHERE substr(name, 1, 4) <> '_cf_' AND name <> 'd1_migrations'";

describe("the admin commands and wrangler", () => {
  const databases: LocalDatabase[] = [];
  const kept = (database: LocalDatabase) => {
    databases.push(database);
    return database;
  };
  after(() => Promise.all(databases.map((database) => database.remove())));

  it("agree on the migrations that are applied", async () => {
    const ours = kept(await LocalDatabase.create());
    const both = kept(await LocalDatabase.missing());
    migrateFile(both.target.stateDir, await allMigrationsButOne(both.target.stateDir));

    await migrateByWrangler(both.target);
    await applyMigrations(both.target);

    assert.deepEqual(await both.query(APPLIED), await ours.query(APPLIED));
    assert.deepEqual(await both.query(SCHEMA), await ours.query(SCHEMA));
  });

  it("see the same rows", async () => {
    const database = kept(await LocalDatabase.create());
    await database.query("INSERT INTO event_index (rowid, terms) VALUES (7, 'ours')");

    const [found] = await queryByWrangler(database.target, [
      "SELECT rowid FROM event_index WHERE event_index MATCH 'ours'",
      "INSERT INTO event_index (rowid, terms) VALUES (8, 'theirs')",
    ]);

    assert.deepEqual(found, [{ rowid: 7 }]);
    assert.deepEqual(await database.query("SELECT rowid FROM event_index WHERE event_index MATCH 'theirs'"), [
      { rowid: 8 },
    ]);
  });

  it("see the same objects", async () => {
    const database = kept(await LocalDatabase.create());
    const file = join(database.target.stateDir, "body");
    const object = `${SPILL_BUCKET_NAME}/${bodyKey(DEAD_LETTER)}`;
    await writeFile(file, "a large body: õ");
    await database.query(`INSERT INTO dead_letters (id, reason, detail, attempts, first_seen, last_seen, body)
      VALUES ('${DEAD_LETTER}', 'refused', '', 1, 0, 0, NULL)`);

    const put = ["r2", "object", "put", object, "--file", file, ...targetOptions(database.target)];
    assert.equal((await runWrangler(put)).code, 0);
    assert.match((await database.admin("dead-letters", "show", DEAD_LETTER)).stdout, /\n\na large body: õ\n$/);
    assert.equal((await database.admin("dead-letters", "discard", DEAD_LETTER)).stdout, "1 dead letter discarded.\n");

    await assert.rejects(readObject(database.target, bodyKey(DEAD_LETTER)), /has no object bodies\/abab/);
  });

  it("restore the same backup", async () => {
    const source = kept(await LocalDatabase.create());
    const { target } = kept(await LocalDatabase.create());
    const file = join(source.target.stateDir, "backup");
    await source.query(
      `INSERT INTO events (id, uuid, created, type, message, context, producer, upstream, received_at)
        SELECT value, printf('%032x', value), value, 7, 'BEGIN TRANSACTION; it''s -- 漢 ' || value, '{}', 'waldur', 0, 0
        FROM json_each('[1,2,3]')`,
    );
    assert.equal((await source.admin("backup", file)).code, 0);

    await restore({
      data: {
        read: async (statements) => (await queryByWrangler(target, statements.map(sqlText))) as Row[][],
        write: (statements) => executeFileByWrangler(target, statements.map(sqlText)),
        schema: "9999",
      },
      store: new FileStore(file),
      bodies: { get: async () => undefined, put: async () => undefined },
      newDigest: () => {
        const hash = createHash("sha256");
        return { update: (bytes) => void hash.update(bytes), hex: async () => hash.digest("hex") };
      },
      now: 0,
    });

    const events = "SELECT * FROM events";
    assert.deepEqual(await queryByWrangler(target, [events]), await queryByWrangler(source.target, [events]));
  });
});

/** Copies the migrations into a folder below `directory`, without the last one, and returns its path. */
async function allMigrationsButOne(directory: string): Promise<string> {
  const folder = join(directory, "migrations");
  await cp(paths.migrations, folder, { recursive: true });
  await rm(join(folder, (await readdir(folder)).sort().at(-1) ?? ""));
  return folder;
}
