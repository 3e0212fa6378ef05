import { env } from "cloudflare:workers";
import type { Data } from "../../src/cli/backup/data.ts";
import { restore } from "../../src/cli/backup/restore.ts";
import { type Backup, backUp } from "../../src/cli/backup/save.ts";
import type { BackupStore, Bodies, Digest } from "../../src/cli/backup/store.ts";
import { database, runBatch } from "../../src/db/client.ts";
import { bodyKey } from "../../src/ingest/queue/keys.ts";

/** The newest migration. */
export const SCHEMA = env.TEST_MIGRATIONS.at(-1)?.name ?? "";

/** A backup in the memory, as a file is. */
export class MemoryStore implements BackupStore {
  readonly name = "memory";
  content = new Uint8Array();
  manifest: string | undefined;

  async *read(): AsyncGenerator<Uint8Array> {
    // Pieces that end anywhere.
    for (let start = 0; start < this.content.length; start += 1_000) yield this.content.slice(start, start + 1_000);
  }

  async cut(bytes: number): Promise<void> {
    this.content = this.content.slice(0, bytes);
  }

  async append(part: Uint8Array): Promise<void> {
    const all = new Uint8Array(this.content.length + part.length);
    all.set(this.content);
    all.set(part, this.content.length);
    this.content = all;
  }

  async readManifest(): Promise<string | undefined> {
    return this.manifest;
  }

  async writeManifest(text: string): Promise<void> {
    this.manifest = text;
  }

  get lines(): Record<string, unknown>[] {
    return new TextDecoder()
      .decode(this.content)
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
  }

  /** The lines of the log, without the header, the rows of tables and the end. */
  get entries(): Record<string, unknown>[] {
    return this.lines.filter(({ seq }) => seq !== undefined);
  }
}

/** SHA-256 as workerd computes it piece by piece. */
export function newDigest(): Digest {
  const stream = new crypto.DigestStream("SHA-256");
  const writer = stream.getWriter();
  const writing: Promise<void>[] = [];
  return {
    update: (bytes) => void writing.push(writer.write(bytes.slice())),
    hex: async () => {
      await Promise.all([...writing, writer.close()]);
      return new Uint8Array(await stream.digest).toHex();
    },
  };
}

type Row = Record<string, string | number | null>;

/** The database of the tests. */
export const data = (changed: Partial<Data> = {}): Data => ({
  read: async (statements) => (await runBatch(database(env.DB), statements)).map(({ results }) => results as Row[]),
  write: async (statements) => {
    await runBatch(database(env.DB), statements);
  },
  schema: SCHEMA,
  ...changed,
});

export const bodies: Bodies = {
  get: async (id) => (await env.SPILL.get(bodyKey(id)))?.text(),
  put: async (id, body) => {
    await env.SPILL.put(bodyKey(id), body);
  },
};

/** Makes a backup of the database. */
export async function backedUp(changed: Partial<Backup> = {}): Promise<MemoryStore> {
  const store = new MemoryStore();
  await backUp({ data: data(), store, bodies, newDigest, now: () => "2026-11-25T00:00:00Z", ...changed });
  return store;
}

/** Restores a backup into the database. */
export const restored = (store: BackupStore, changed: Partial<Data> = {}, now = 4_000_000_000_000) =>
  restore({ data: data(changed), store, bodies, newDigest, now, slicesPerCall: 1 });
