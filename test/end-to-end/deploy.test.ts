import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, describe, it, test } from "node:test";
import { gzipSync } from "node:zlib";
import { runWrangler } from "../../src/cli/wrangler.ts";
import type { Account } from "../cloud/wrangler.ts";
import { Deployment, TOKEN } from "./deployment.ts";

/** The limit for the Worker without the data of the catalogue. */
const MAX_GZIP_KIB = 128;

const out = await mkdtemp(join(tmpdir(), "edge-events-bundle-"));
after(() => rm(out, { recursive: true, force: true }));

test("wrangler can deploy the Worker, which is small", async () => {
  const { code, stdout, stderr } = await runWrangler(["deploy", "--dry-run", "--minify", "--outdir", out]);
  assert.equal(code, 0, stderr);
  for (const binding of ["env.DB", "env.INGEST_QUEUE", "env.INGEST_DEAD_LETTERS", "env.SPILL", "env.CORS_ORIGINS"])
    assert.ok(stdout.includes(binding), binding);
  const bundle = (await sizes(out)).reduce((sum, size) => sum + size, 0) / 1024;
  const catalogue =
    (await sizes(join(import.meta.dirname, "../../src/catalogue"), ".json")).reduce((a, b) => a + b, 0) / 1024;
  console.log(
    `bundle: ${bundle.toFixed(1)} KiB gzip, of which the data of the catalogue are about ${catalogue.toFixed(1)} KiB`,
  );
  assert.ok(bundle - catalogue <= MAX_GZIP_KIB);
});

/** The gzipped size in bytes of each file in a folder with this ending. */
async function sizes(folder: string, ending = ".js"): Promise<number[]> {
  const files = (await readdir(folder)).filter((name) => name.endsWith(ending));
  return Promise.all(files.map(async (name) => gzipSync(await readFile(join(folder, name))).byteLength));
}

const QUEUES = ["edge-events-ingest", "edge-events-dead-letters"];
const BUCKETS = ["edge-events-spill"];
const COMPLETE = {
  queues: QUEUES,
  buckets: BUCKETS,
  databases: [{ name: "edge-events", migrated: true, replication: "auto" }],
};
/** Everything that the Worker is bound to. */
const BOUND = [...QUEUES, ...BUCKETS, "edge-events"];
const many = (name: string): string[] => Array.from({ length: 45 }, (_, index) => `another-${index}-${name}-old`);

describe("npm run deploy", () => {
  let deployment: Deployment;
  afterEach(() => deployment?.remove());

  const of = async (account: Partial<Account> = {}) => {
    deployment = await Deployment.of(account);
  };
  /** Runs it; what wrangler was asked to change, in this order. */
  async function deploys(env: Record<string, string> = {}): Promise<string[]> {
    const before = deployment.account.calls.length;
    const { code, stderr } = await deployment.run(env);
    assert.deepEqual([code, stderr], [0, ""]);
    assert.deepEqual(deployment.account.workers["edge-events"]?.toSorted(), BOUND.toSorted());
    return deployment.account.calls.slice(before).filter((call) => !/ info | token |^whoami/.test(call));
  }
  const CREATED = [
    ...["queues create edge-events-ingest", "queues create edge-events-dead-letters"],
    ...["r2 bucket create edge-events-spill", "d1 create edge-events"],
  ];
  const CHANGED = ["d1 migrations apply DB --remote", "deploy --minify"];

  it("makes all that is missing in an empty account, applies the migrations, then uploads the Worker", async () => {
    await of();
    assert.deepEqual(await deploys(), [...CREATED, ...CHANGED]);
  });

  it("makes nothing in a complete account, and may be run twice", async () => {
    await of();
    await deploys();
    const after = deployment.account;
    assert.deepEqual(await deploys(), CHANGED);
    assert.deepEqual({ ...deployment.account, calls: after.calls }, after);
  });

  for (const missing of CREATED) {
    it(`completes an account that lacks one thing: ${missing}`, async () => {
      const name = missing.split(" ").at(-1);
      const others = (names: string[]) => names.filter((one) => one !== name || missing.startsWith("d1"));
      const databases = missing.startsWith("d1") ? [] : COMPLETE.databases;
      await of({ queues: others(QUEUES), buckets: others(BUCKETS), databases });
      assert.deepEqual(await deploys(), [missing, ...CHANGED]);
    });
  }

  it("does not mistake other names for its own, in an account of many pages", async () => {
    await of({
      queues: [...many("edge-events-ingest"), ...many("edge-events-dead-letters")],
      buckets: many("edge-events-spill"),
      databases: many("edge-events").map((name) => ({ name, migrated: false, replication: "disabled" })),
    });
    assert.deepEqual(await deploys(), [...CREATED, ...CHANGED]);
  });

  it("finds its own among others, on the third page, and makes none of them again", async () => {
    const before = COMPLETE.databases.concat(
      many("edge-events").map((name) => ({ name, migrated: false, replication: "disabled" })),
    );
    await of({
      queues: [...many("x"), ...QUEUES],
      buckets: [...many("edge-events-spill"), ...BUCKETS],
      databases: before.reverse(),
    });
    assert.deepEqual(await deploys(), CHANGED);
  });

  it("takes what exists, where a token may not look, or another deployment was faster", async () => {
    await of({ ...COMPLETE, isBlind: true });
    assert.deepEqual(await deploys(), [...CREATED, ...CHANGED]);
    assert.deepEqual(deployment.account.queues, QUEUES);
  });

  it("leaves wrangler.toml as it is, which has no ids", async () => {
    await of();
    const before = deployment.configuration;
    await deploys();
    assert.equal(deployment.configuration, before);
    assert.doesNotMatch(before, /^\s*(?:database_id|id) *=/m);
  });

  const LOGIN =
    "In a non-interactive environment, it's necessary to set a CLOUDFLARE_API_TOKEN environment variable for wrangler to work.";
  const failed = (message: string) => `A request to the Cloudflare API (/accounts/1/x) failed.\n\n  ${message}\n`;
  const refusals: [command: string, says: string, prints: RegExp][] = [
    ["queues", LOGIN, /^The queue edge-events-ingest was not created: .* Run npx wrangler login, or set /],
    ["queues", "More than one account available but unable to select one", /Set CLOUDFLARE_ACCOUNT_ID to one/],
    ["queues create", failed("Authentication error [code: 10000]"), /rights to edit Workers Scripts, Queues, D1 and/],
    ["queues create edge-events-d", "fetch failed", /^The queue edge-events-dead-letters .* Check the connection/],
    ["r2", failed("Please enable R2 through the Cloudflare Dashboard. [code: 10042]"), /Enable R2 in Cloudflare's/],
    ["d1 create", "You have reached the maximum number of D1 databases for your account.", /or raise the limit/],
    ["d1 migrations", 'near "CREAT": syntax error at offset 0: SQLITE_ERROR', /^The migrations were not applied: near/],
    ["d1 migrations", "D1 DB exceeded its timeout", /Wait for a minute\. Then run npm run deploy again/],
    ["deploy", "You need to register a workers.dev subdomain before publishing", /Open Workers & Pages in Cloudflare/],
    ["deploy", failed(`Invalid token ${TOKEN} [code: 1]`), /Invalid token … \[code: 1\] Correct the cause\./],
    ["deploy", "", /^The Worker was not uploaded: wrangler does not say why/],
  ];
  for (const [command, says, prints] of refusals) {
    it(`says in one line what to do when "${command}" ends with: ${says.slice(0, 60).replaceAll("\n", " ")}`, async () => {
      await of({ refuses: { [command]: says } });
      const { code, stdout, stderr } = await deployment.run();
      assert.equal(code, 1);
      assert.match(stderr, prints);
      assert.match(stderr, /^[^\n]+ Then run npm run deploy again\.\n$/);
      assert.ok(!(stdout + stderr).includes(TOKEN));
      assert.deepEqual(deployment.account.workers, {});

      deployment.account = { ...deployment.account, refuses: {} };
      await deploys();
    });
  }

  it("uploads nothing when a migration fails, so that no Worker meets a schema that it does not know", async () => {
    await of({ ...COMPLETE, refuses: { "d1 migrations": "no" } });
    await deployment.run();
    assert.ok(!deployment.account.calls.includes("deploy --minify"));
  });

  it("neither makes nor prints a secret", async () => {
    await of();
    const { stdout, stderr } = await deployment.run();
    const printed = stdout + stderr;
    assert.ok(!/[\w+/=-]{30,}/.test(printed.replaceAll(/https?:\S+/g, "")), printed);
    assert.ok(deployment.account.calls.every((call) => !call.startsWith("secret")));
    assert.match(stdout, /npm run admin -- producers add waldur --tells-places --is-upstream --remote\n$/);
  });

  it("turns on read replication by the API, once", async () => {
    await of();
    assert.match((await deployment.run()).stdout, /^Read replication is on\.$/m);
    assert.deepEqual(deployment.requests, [
      "GET /accounts/account-1/d1/database/edge-events",
      'PUT /accounts/account-1/d1/database/uuid-1 {"read_replication":{"mode":"auto"}}',
    ]);
  });

  it("asks for nothing where replication is on, and leaves it alone with READ_REPLICATION=off", async () => {
    await of(COMPLETE);
    await deploys();
    await deploys({ READ_REPLICATION: "off" });
    assert.deepEqual(deployment.requests, ["GET /accounts/account-1/d1/database/edge-events"]);
  });

  const BY_HAND = /To turn it on: Cloudflare's dashboard, D1, edge-events, Settings, Enable Read Replication\./;
  for (const [body, why] of [
    [
      '{"success":false,"errors":[{"message":"oauth-token-of-the-account may not"}]}',
      "Cloudflare's API says: … may not",
    ],
    ["<html>", "Cloudflare or wrangler did not answer as documented"],
  ] as const) {
    it(`deploys, and says the one step, where the API answers ${body}`, async () => {
      await of();
      deployment.answer = { status: 403, body };
      const { code, stdout } = await deployment.run();
      assert.equal(code, 0);
      assert.ok(stdout.includes(`Read replication was not turned on: ${why}. `), stdout);
      assert.match(stdout, BY_HAND);
    });
  }

  it("says the one step where it cannot know which account it is", async () => {
    await of({ refuses: { whoami: "no" } });
    assert.match((await deployment.run()).stdout, BY_HAND);
    assert.match((await deployment.run({ CLOUDFLARE_ACCOUNT_ID: "account-2" })).stdout, /^Read replication is on/m);
  });
});
