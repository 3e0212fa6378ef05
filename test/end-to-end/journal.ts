import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";

const POLL_INTERVAL_MS = 20;
/** Below a state directory: where Miniflare 5 keeps the names of R2 objects, in a file of each bucket. */
const BUCKETS = "v3/r2/miniflare-R2BucketObject";

/** Returns when the queues of a local server have nothing left: all messages are consumed, and their events stored. */
export async function consumed(stateDir: string): Promise<void> {
  while (waiting(stateDir) > 0) await sleep(POLL_INTERVAL_MS);
}

/** The number of messages in the journal of the queues (src/local/journal.ts). Throws when there is no bucket. */
export function waiting(stateDir: string): number {
  const names = readdirSync(join(stateDir, BUCKETS)).filter((name) => /^[0-9a-f]{64}\.sqlite$/.test(name));
  const [bucket] = names;
  if (bucket === undefined || names.length > 1) throw new Error(`${names.length} buckets in ${stateDir}, not one.`);
  using database = new DatabaseSync(join(stateDir, BUCKETS, bucket), { readOnly: true });
  const row = database.prepare("SELECT count(*) AS n FROM _mf_objects WHERE key LIKE 'journal/%'").get();
  return Number(row?.n);
}
