import { applyD1Migrations, reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach } from "vitest";
import { clearCaches } from "../../src/http/cache.ts";

/** Every test starts with the real migrations and nothing else. */
beforeEach(async () => {
  clearCaches();
  await reset();
  await applyD1Migrations(env.DB, env.TEST_MIGRATIONS);
});
