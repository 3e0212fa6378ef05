import { randomBytes } from "node:crypto";
import { DEAD_LETTER_QUEUE_NAME, INGEST_QUEUE_NAME } from "../ingest/queue/names.ts";
import { applyMigrations } from "./d1.ts";
import { Failure, report } from "./failure.ts";
import { DATABASE_NAME, SPILL_BUCKET_NAME } from "./names.ts";
import { runWrangler } from "./wrangler.ts";

const REMOTE = { remote: true } as const;

try {
  await deploy();
} catch (error) {
  process.exitCode = report(error);
}

/**
 * Database, queues, bucket, migrations, Worker, secret; may be run again at any time. Migrations go before the code that
 * needs them, except the first time, when the deploy makes the database.
 */
async function deploy(): Promise<void> {
  for (const queue of [INGEST_QUEUE_NAME, DEAD_LETTER_QUEUE_NAME]) await makeQueue(queue);
  await makeBucket(SPILL_BUCKET_NAME);
  const exists = (await wrangler("d1", "list", "--json")).includes(`"${DATABASE_NAME}"`);
  if (exists) await migrate();
  console.log("Deploying the Worker …");
  console.log(await wrangler("deploy", "--minify"));
  if (!exists) await migrate();
  await makeSecret();
  console.log("Deployed. A staff token: npm run admin -- token create --staff --remote");
}

async function makeQueue(name: string): Promise<void> {
  if ((await wrangler("queues", "list")).includes(name)) return;
  console.log(`Making the queue ${name} …`);
  await wrangler("queues", "create", name);
}

async function makeBucket(name: string): Promise<void> {
  if ((await wrangler("r2", "bucket", "list")).includes(name)) return;
  console.log(`Making the bucket ${name} …`);
  await wrangler("r2", "bucket", "create", name);
}

async function migrate(): Promise<void> {
  console.log("Applying the migrations …");
  await applyMigrations(REMOTE);
}

/** Only when there is none: a secret that producers use already stays. */
async function makeSecret(): Promise<void> {
  if ((await wrangler("secret", "list")).includes("INGEST_SECRETS")) return;
  const secret = randomBytes(24).toString("base64url");
  const { code, stderr } = await runWrangler(["secret", "put", "INGEST_SECRETS"], JSON.stringify({ waldur: [secret] }));
  if (code !== 0) throw new Failure(`wrangler secret put failed:\n${stderr}`);
  console.log(`The secret of the producer "waldur" (shown once): ${secret}`);
}

async function wrangler(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runWrangler(args);
  if (code !== 0) throw new Failure(`wrangler ${args.join(" ")} failed:\n${stdout}${stderr}`);
  return stdout;
}
