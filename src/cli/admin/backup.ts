import { createHash } from "node:crypto";
import { sql } from "drizzle-orm";
import { bodyKey } from "../../ingest/queue/keys.ts";
import { BucketStore } from "../backup/bucket-store.ts";
import type { Data } from "../backup/data.ts";
import { FileStore } from "../backup/file-store.ts";
import type { Manifest } from "../backup/format.ts";
import { restore } from "../backup/restore.ts";
import { backUp } from "../backup/save.ts";
import type { BackupStore, Bodies, Digest } from "../backup/store.ts";
import { applyMigrations, execute, query, queryAll } from "../d1.ts";
import { Failure, WRONG_USAGE } from "../failure.ts";
import { type ObjectBucket, withBucket } from "../r2.ts";
import type { Target } from "../target.ts";
import { command } from "./command.ts";
import { checkLog } from "./log.ts";

/** Between two lines about how far it is, milliseconds. */
const PROGRESS_EVERY_MS = 5_000;

export const backupCommands = [
  command({
    name: "backup",
    usage: "(FILE | r2:NAME)",
    help: `Writes the whole log, and what is needed to serve it to the same people, to FILE and FILE.manifest.json, or to the bucket
below backup/NAME. The server may run and store events meanwhile. Stopped anywhere, it goes on when it is run again.`,
    options: {},
    takesWords: true,
    run: async ({ target, words }) => {
      await withStore(target, words, async (store, bodies) => {
        const data = await dataOf(target);
        const manifest = await backUp({
          ...{ data, store, bodies, newDigest, now: () => new Date().toISOString() },
          progress: paced((entry, end) => `${entry} of ${end} entries`),
        });
        printBackup(store, manifest);
      });
    },
  }),
];

export const restoreCommands = [
  command({
    name: "restore",
    usage: "(FILE | r2:NAME)",
    help: `Restores a backup into an empty database; a local one that is missing is made. A backup that was cut or altered is refused
before anything is written. Stopped anywhere, it goes on when it is run again; until it has ended, the server serves nothing.`,
    options: {},
    takesWords: true,
    run: async ({ target, words }) => {
      if (!target.remote) await applyMigrations(target);
      await withStore(target, words, async (store, bodies) => {
        const data = await dataOf(target);
        const progress = paced((step: string, done: number, all: number) => `${step}: ${done} of ${all}`);
        const restored = await restore({ data, store, bodies, newDigest, now: Date.now(), progress });
        const { events } = restored.manifest.log;
        console.log(`${restored.wasResumed ? "The restore was completed" : "Restored"}: ${events} events.`);
        for (const name of restored.withoutKeys) {
          console.log(`The producer ${name} has no key now. Give it one: npm run admin -- producers rotate ${name}`);
        }
        await checkLog(target);
      });
    },
  }),
];

function printBackup(store: BackupStore, { log, rows, sha256 }: Manifest): void {
  const others = Object.values(rows).reduce((sum, n) => sum + n, 0);
  console.log(`${store.name} has ${log.entries} entries of the log, up to ${log.last}, and ${others} rows of tables.`);
  console.log(`SHA-256: ${sha256}`);
}

/** Names in the bucket. */
const NAME = /^[\w.-]{1,100}$/;

function withStore(
  target: Target,
  words: readonly string[],
  use: (store: BackupStore, bodies: Bodies) => Promise<void>,
): Promise<void> {
  const [place = "", ...others] = words;
  const name = place.startsWith("r2:") ? place.slice("r2:".length) : undefined;
  if (place === "" || others.length > 0) throw new Failure("Give one FILE, or r2:NAME.", WRONG_USAGE);
  if (name !== undefined && !NAME.test(name)) {
    throw new Failure("NAME must have 1 to 100 letters, digits, dots, dashes or underscores.", WRONG_USAGE);
  }
  return withBucket(target, (bucket) =>
    use(name === undefined ? new FileStore(place) : new BucketStore(bucket, name), bodiesIn(bucket)),
  );
}

const bodiesIn = (bucket: ObjectBucket): Bodies => ({
  get: async (id) => {
    const body = await bucket.get(bodyKey(id));
    return body === undefined ? undefined : new TextDecoder().decode(body);
  },
  put: (id, body) => bucket.put(bodyKey(id), new TextEncoder().encode(body)),
});

async function dataOf(target: Target): Promise<Data> {
  const [row] = await query(target, sql`SELECT max(name) AS name FROM d1_migrations`);
  return {
    read: (statements) => queryAll(target, statements),
    write: (statements) => execute(target, statements),
    schema: String(row?.name),
  };
}

function newDigest(): Digest {
  const hash = createHash("sha256");
  return { update: (bytes) => void hash.update(bytes), hex: async () => hash.digest("hex") };
}

/** Prints a line to stderr, now and then. */
function paced<Values extends unknown[]>(text: (...values: Values) => string): (...values: Values) => void {
  let last = Date.now();
  return (...values) => {
    if (Date.now() - last < PROGRESS_EVERY_MS) return;
    last = Date.now();
    console.error(text(...values));
  };
}
