import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { paths } from "../../src/cli/paths.ts";
import { CloudflareApi } from "../cloud/api.ts";
import { ProjectCopy } from "./project-copy.ts";

const TOKEN = "the-api-token-of-the-deployer";

/** The classes of Durable Objects, as an upload declares them. */
const CLASSES = { Bell: { type: "durable-object", storage: "sqlite" } };

/** What the stand-in of wrangler in deploy.test.ts takes for granted is seen here, with the real one. */
describe("npm run deploy with the real wrangler", () => {
  let api: CloudflareApi;
  let copy: ProjectCopy;
  const deploy = () =>
    copy.run("src/cli/deploy.ts", {
      ...{ CLOUDFLARE_API_BASE_URL: api.url, CLOUDFLARE_API_TOKEN: TOKEN, CLOUDFLARE_ACCOUNT_ID: "account-1" },
    });
  const made = (changes: readonly string[]) =>
    changes.filter((change) => /^POST \/(queues|r2|d1)[\w/]* \{/.test(change));

  before(async () => {
    api = await CloudflareApi.start();
    copy = await ProjectCopy.create();
    api.queues.push("edge-events-ingest-old");
    api.buckets.push("edge-events-spill-old");
    api.databases.set("edge-events-old", { mode: "disabled" });
  });
  after(async () => {
    api?.stop();
    await copy?.remove();
  });

  it("fills an empty account, and the database has its tables before the Worker is there", async () => {
    const { code, stdout, stderr } = await deploy();
    assert.deepEqual([code, stderr], [0, ""]);
    assert.match(stdout, /https:\/\/edge-events\.ada\.workers\.dev/);
    assert.ok(!stdout.includes(TOKEN));
    assert.deepEqual(made(api.changes), [
      'POST /queues {"queue_name":"edge-events-ingest"}',
      'POST /queues {"queue_name":"edge-events-dead-letters"}',
      'POST /r2/buckets {"name":"edge-events-spill"}',
      'POST /d1/database {"name":"edge-events"}',
    ]);
    const applied = api.database.prepare("SELECT name FROM d1_migrations ORDER BY id").all();
    assert.deepEqual(
      applied.map(({ name }) => name),
      readdirSync(paths.migrations).sort(),
    );
    assert.equal(api.migratedBefore, applied.length);
    assert.deepEqual(api.classes, [CLASSES]);
    assert.equal(api.databases.get("edge-events")?.mode, "auto");
  });

  it("changes nothing in an account that is complete, but the Worker", async () => {
    const before = api.changes.length;
    const { code, stderr } = await deploy();
    assert.deepEqual([code, stderr], [0, ""]);
    const changes = api.changes.slice(before);
    assert.deepEqual(made(changes), []);
    assert.ok(changes.some((change) => change.startsWith("PUT /workers/scripts/edge-events ")));
    assert.deepEqual(api.classes.at(-1), CLASSES);
    assert.ok(!changes.some((change) => change.includes("read_replication")));
  });

  it("writes no id into wrangler.toml, and needs none", async () => {
    const toml = readFileSync(paths.wranglerConfig, "utf8");
    assert.equal(await copy.read("wrangler.toml"), toml);
    assert.doesNotMatch(toml, /^\s*(?:database_)?id *=/m);
  });

  it("says in one line that the API refuses, with its words", async () => {
    api.databases.clear();
    api.database.exec("DROP TABLE d1_migrations");
    const { code, stderr } = await deploy();
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^The migrations were not applied: .*table event_types already exists.* Then run npm run deploy again\.\n$/,
    );
  });
});
