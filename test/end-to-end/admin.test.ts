import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { auditLine } from "../../src/cli/admin/audit.ts";
import { applyMigrations, query } from "../../src/cli/d1.ts";

const ADMIN = resolve(import.meta.dirname, "../../src/cli/admin.ts");
const CUSTOMER = "ffffffff-ffff-4fff-8fff-ffffffffffff";
const UUID = "07d02ac2f5be454780565ac8b70fad91";

describe("npm run admin", () => {
  let stateDir: string;
  const rows = (sql: string) => query({ remote: false, stateDir }, sql);

  before(async () => {
    stateDir = await mkdtemp(join(tmpdir(), "edge-events-admin-"));
    await applyMigrations({ remote: false, stateDir });
  });
  after(() => rm(stateDir, { recursive: true, force: true }));

  async function admin(...args: string[]) {
    const child = spawn(process.execPath, [ADMIN, ...args], { env: { ...process.env, STATE_DIR: stateDir } });
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
    return { code: child.exitCode, stdout: stdout.trim(), stderr };
  }

  it("makes a user, gives them a token that scanners can find, and tells both", async () => {
    const made = await admin("user", "create", "--username", "ada", "--uuid", UUID, "--token-lifetime", "3600");
    assert.deepEqual([made.code, made.stdout], [0, UUID]);
    const { stdout: token, stderr } = await admin("token", "create", "--username", "ada", "--expires", "2027-01-31");

    assert.match(token, /^eev_[0-9a-f]{40}$/);
    assert.ok(!stderr.includes(token.slice(4)));
    const hash = createHash("sha256").update(token).digest("hex");
    const [row] = await rows("SELECT hash, expires, token_lifetime FROM tokens JOIN users ON uuid = user_uuid");
    assert.deepEqual(row, { hash, expires: Date.parse("2027-01-31T00:00:00Z") * 1000, token_lifetime: 3600 });
  });

  it("grants a role until it expires, and revokes it", async () => {
    const role = ["--username", "ada", "--on", `customer:${CUSTOMER}`];
    const { stderr } = await admin(
      "role",
      "grant",
      ...role,
      "--role",
      "CUSTOMER.OWNER",
      "--expires",
      "2027-01-01T00:00:00Z",
    );
    assert.match(stderr, /"event":"audit","by":".+","command":"role grant"/);
    assert.match(
      (await admin("role", "list")).stdout,
      /ada\tcustomer\tf{12}4f{3}8f{15}\tCUSTOMER\.OWNER\t2027-01-01T00:00:00\.000Z/,
    );

    assert.match((await admin("role", "revoke", ...role)).stderr, /ada has lost CUSTOMER\.OWNER\./);
    assert.equal((await admin("role", "grant", "--username", "ada", "--on", "pet:1")).code, 2);
  });

  it("lists tokens by ids that revoke them", async () => {
    const { stdout } = await admin("token", "list", "--username", "ada");
    const id = stdout.split("\n")[1]?.split("\t")[0] ?? "";

    assert.match((await admin("token", "revoke", id)).stderr, /is revoked\./);
  });

  it("changes a user", async () => {
    assert.equal((await admin("user", "change", "--username", "ada", "--active", "no", "--support", "yes")).code, 0);
    assert.match((await admin("user", "list")).stdout, new RegExp(`ada\t${UUID}\t0\t1\t0\t3600\t0\t0`));
  });

  it("learns objects from events that were there before the table", async () => {
    const context = JSON.stringify({ customer_uuid: UUID, project_uuid: CUSTOMER, note: "it's ?" });
    await rows(
      `INSERT INTO events (uuid, created, type, message, context, producer, received_at)
       VALUES ('${"a".repeat(32)}', 1, 1, 'm', '${context.replaceAll("'", "''")}', 'p', 1)`,
    );

    assert.equal((await admin("objects", "learn")).code, 0);

    const project = CUSTOMER.replaceAll("-", "");
    assert.deepEqual(await rows("SELECT uuid, type, customer FROM objects ORDER BY uuid"), [
      { uuid: UUID, type: "structure.customer", customer: null },
      { uuid: project, type: "structure.project", customer: UUID },
    ]);
  });

  it("tells the audit nothing that may be a secret", () => {
    const line = auditLine("producer add", ["NAME", "--secret", "hidden", "--secret=hidden", "--username=ada"], 0);

    assert.deepEqual(JSON.parse(line).options, ["…", "--secret", "…", "--secret=…", "--username=ada"]);
  });
});
