import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

export interface Storage {
  /** Of the whole file. */
  bytesPerEvent: number;
  /** By table and index, the largest first. */
  byName: [name: string, bytesPerEvent: number][];
}

/** What the database takes on disk, by SQLite's own account. */
export function measureStorage(state: string, events: number): Storage {
  const db = new DatabaseSync(databaseFile(state));
  try {
    db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    const rows = db.prepare("SELECT name, sum(pgsize) AS bytes FROM dbstat GROUP BY name ORDER BY 2 DESC").all();
    const byName = rows.map(({ name, bytes }): [string, number] => [String(name), Number(bytes) / events]);
    return { bytesPerEvent: byName.reduce((sum, [, bytes]) => sum + bytes, 0), byName };
  } finally {
    db.close();
  }
}

/** The largest SQLite file below a directory: Miniflare names it after the binding's hash. */
function databaseFile(state: string): string {
  const files = readdirSync(state, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".sqlite"));
  const file = files.find((name) => /[0-9a-f]{64}\.sqlite$/.test(name));
  if (file === undefined) throw new Error(`No database in ${state}.`);
  return join(state, file);
}
