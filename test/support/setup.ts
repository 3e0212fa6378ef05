import { applyD1Migrations, reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach } from "vitest";
import { clearCaches } from "../../src/http/cache.ts";

const MOST_TRIES = 10;

/** Every test starts with the real migrations and nothing else. */
beforeEach(async () => {
  clearCaches();
  await emptied();
  await applyD1Migrations(env.DB, env.TEST_MIGRATIONS);
});

/** reset() empties the storage of a database that is busy with a file's last requests only now and then. */
async function emptied(): Promise<void> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    await reset();
    const left = await env.DB.prepare("SELECT count(*) AS n FROM sqlite_schema WHERE name = 'events'").first<{
      n: number;
    }>();
    if (left?.n === 0) return;
  }
  throw new Error("The database could not be emptied.");
}
