import { DEAD_LETTER_QUEUE_NAME, INGEST_QUEUE_NAME } from "../ingest/queue/names.ts";
import { ensure } from "./deploy/account.ts";
import { refusal, withoutCredentials } from "./deploy/refusal.ts";
import { turnOnReplication } from "./deploy/replication.ts";
import { report } from "./failure.ts";
import { DATABASE_BINDING, DATABASE_NAME, SPILL_BUCKET_NAME } from "./names.ts";
import { runWrangler } from "./wrangler.ts";

const BY_HAND = `To turn it on: Cloudflare's dashboard, D1, ${DATABASE_NAME}, Settings, Enable Read Replication.`;

const NEXT = `Deployed. To create a staff token, and a secret for a Waldur that sends events:
  npm run admin -- token create --staff --remote
  npm run admin -- producers add waldur --tells-places --is-upstream --remote`;

try {
  await deploy();
} catch (error) {
  process.exitCode = report(error);
}

/**
 * Creates the queues, the bucket and the database where they are missing, applies the migrations, uploads the Worker and
 * turns on read replication. Can be repeated at any time.
 *
 * The migrations run before the upload: the new Worker needs their tables and columns from its first request on. The
 * version before it reads, and consumes the queue, on the new schema until the upload has reached every location, and
 * longer when the upload fails; so a migration only adds to what the version before it uses.
 *
 * It makes no secret, and none is needed: producers and tokens are in the database.
 */
async function deploy(): Promise<void> {
  await ensure("queue", INGEST_QUEUE_NAME);
  await ensure("queue", DEAD_LETTER_QUEUE_NAME);
  await ensure("bucket", SPILL_BUCKET_NAME);
  await ensure("database", DATABASE_NAME);
  console.log("Applying the migrations …");
  await step("The migrations were not applied", "d1", "migrations", "apply", DATABASE_BINDING, "--remote");
  console.log("Uploading the Worker …");
  console.log(withoutCredentials(await step("The Worker was not uploaded", "deploy", "--minify")));
  await replicate();
  console.log(NEXT);
}

async function step(failed: string, ...args: string[]): Promise<string> {
  const finished = await runWrangler(args);
  if (finished.code !== 0) throw refusal(failed, finished);
  return finished.stdout;
}

/** The service works without read replication, so this fails no deployment. `READ_REPLICATION=off` leaves it as it is. */
async function replicate(): Promise<void> {
  if (process.env.READ_REPLICATION === "off") return;
  const why = await turnOnReplication(DATABASE_NAME);
  if (why === undefined) return console.log("Read replication is on.");
  console.log(`Read replication was not turned on: ${why}. ${BY_HAND}`);
}
