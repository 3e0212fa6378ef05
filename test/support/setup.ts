import { applyD1Migrations, reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach } from "vitest";

const MAX_RESETS = 3;

/** Every test starts with the real migrations and nothing else. */
beforeEach(async () => {
  for (let resets = 0; resets < MAX_RESETS; resets++) {
    await reset();
    await applyD1Migrations(env.DB, env.TEST_MIGRATIONS);
    if (!(await isUsed())) return;
  }
  throw new Error("The database of the test before is still there.");
});

/** Once in a while, after a test of ten seconds, `reset` leaves the database as it is. */
const isUsed = async () =>
  (await env.DB.prepare("SELECT EXISTS (SELECT 1 FROM events) OR EXISTS (SELECT 1 FROM users) AS used").first(
    "used",
  )) === 1;
