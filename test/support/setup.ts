import { applyD1Migrations, reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach } from "vitest";
import { clearCaches } from "../../src/http/cache.ts";

const MAX_RESETS = 3;

/** Every test starts with the real migrations and nothing else. */
beforeEach(async () => {
  clearCaches();
  // After a file that ran for more than about ten seconds, the first reset has been seen to leave the rows there.
  for (let tried = 0; tried < MAX_RESETS; tried++) {
    await reset();
    await applyD1Migrations(env.DB, env.TEST_MIGRATIONS);
    if (await isEmpty()) return;
  }
  throw new Error("The database of the test before could not be emptied.");
});

async function isEmpty(): Promise<boolean> {
  const rows = await env.DB.prepare("SELECT 1 FROM users UNION ALL SELECT 1 FROM events LIMIT 1").all();
  return rows.results.length === 0;
}
