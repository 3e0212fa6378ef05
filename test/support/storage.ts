import { type D1Migration, reset } from "cloudflare:test";
import { env } from "cloudflare:workers";

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
