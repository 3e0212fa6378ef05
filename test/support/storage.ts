import { reset } from "cloudflare:test";
import { env } from "cloudflare:workers";

/**
 * An empty bucket, and a database with the migrations and nothing else. reset() empties the storage of running objects
 * only, and workerd stops an object that was idle for 10 seconds (https://github.com/cloudflare/workerd/pull/1138), as
 * on a slow machine between two files. A read starts it again.
 */
export async function emptyStorage(): Promise<void> {
  await Promise.all([env.DB.prepare("SELECT 1").run(), env.SPILL.head("any")]);
  await reset();
  const queries = env.TEST_MIGRATIONS.flatMap((migration) => migration.queries);
  await env.DB.batch(queries.map((query) => env.DB.prepare(query)));
}
