import { DEAD_LETTER_QUEUE_NAME, INGEST_QUEUE_NAME } from "../ingest/queue/names.ts";
import { newSecret } from "./credentials.ts";
import { applyMigrations } from "./d1.ts";
import { report } from "./failure.ts";
import { DATABASE_NAME, SPILL_BUCKET_NAME } from "./names.ts";
import { type Finished, wranglerOutput } from "./wrangler.ts";

const SECRET_NAME = "INGEST_SECRETS";

try {
  await deploy();
} catch (error) {
  process.exitCode = report(error);
}

/**
 * Creates the queues, the bucket, the database and the secret where they are missing, applies the migrations and uploads
 * the Worker. Can be repeated at any time. The migrations run before the code that needs them, except the first time,
 * when the upload creates the database.
 */
async function deploy(): Promise<void> {
  await createMissing("queue", INGEST_QUEUE_NAME, "queues");
  await createMissing("queue", DEAD_LETTER_QUEUE_NAME, "queues");
  await createMissing("bucket", SPILL_BUCKET_NAME, "r2", "bucket");
  const exists = (await wrangler("d1", "list", "--json")).includes(`"${DATABASE_NAME}"`);
  if (exists) await migrate();
  console.log("Deploying the Worker …");
  console.log(await wrangler("deploy", "--minify"));
  if (!exists) await migrate();
  await createMissingSecret();
  console.log("Deployed. To create a staff token, run: npm run admin -- token create --staff --remote");
}

/** `group` is the group of wrangler commands that has `list` and `create`. */
async function createMissing(kind: string, name: string, ...group: string[]): Promise<void> {
  if ((await wrangler(...group, "list")).includes(name)) return;
  console.log(`Creating the ${kind} ${name} …`);
  await wrangler(...group, "create", name);
}

async function migrate(): Promise<void> {
  console.log("Applying the migrations …");
  await applyMigrations({ remote: true });
}

/** An existing secret stays, because producers use it. */
async function createMissingSecret(): Promise<void> {
  if ((await wrangler("secret", "list")).includes(SECRET_NAME)) return;
  const secret = newSecret();
  const waldur = { secrets: [secret], tells_places: true };
  const args = ["secret", "put", SECRET_NAME];
  await wranglerOutput(args, (finished) => failed(args, finished), JSON.stringify({ waldur }));
  console.log(`The secret of the producer "waldur" (shown only once): ${secret}`);
}

const wrangler = (...args: string[]): Promise<string> => wranglerOutput(args, (finished) => failed(args, finished));

const failed = (args: readonly string[], { stdout, stderr }: Finished): string =>
  `wrangler ${args.join(" ")} failed:\n${stdout}${stderr}`;
