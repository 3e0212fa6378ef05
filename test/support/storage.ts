import { type D1Migration, reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { LOG_MARK_KEY, WATERMARK_KEY } from "../../src/ingest/queue/keys.ts";

/** The keys of the bucket that are no messages. */
export const isMark = (key: unknown): boolean => key === LOG_MARK_KEY || key === WATERMARK_KEY;

/** The keys below a prefix of the bucket, without the marks. */
export async function keysBelow(prefix = ""): Promise<string[]> {
  const { objects, truncated } = await env.SPILL.list({ prefix });
  if (truncated) throw new Error("There are more objects than one list has.");
  return objects.map(({ key }) => key).filter((key) => !isMark(key));
}

/**
 * An empty bucket, and a database with the migrations (all of them, unless told otherwise) and nothing else. reset() empties
 * the storage of running objects only, and workerd stops an object that was idle for 10 seconds
 * (https://github.com/cloudflare/workerd/pull/1138), as on a slow machine between two files. A read starts it again.
 */
export async function emptyStorage(migrations = env.TEST_MIGRATIONS): Promise<void> {
  await Promise.all([env.DB.prepare("SELECT 1").run(), env.SPILL.head("any")]);
  await reset();
  await migrate(migrations);
}

/** Applies migrations. */
export async function migrate(migrations: readonly D1Migration[]): Promise<void> {
  const queries = migrations.flatMap((migration) => migration.queries);
  await env.DB.batch(queries.map((query) => env.DB.prepare(query)));
}
