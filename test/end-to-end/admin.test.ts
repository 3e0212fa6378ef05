import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, it } from "node:test";
import { auditLine } from "../../src/cli/admin/audit.ts";
import { LocalDatabase } from "./local-database.ts";

const CUSTOMER = "ffffffff-ffff-4fff-8fff-ffffffffffff";
const UUID = "07d02ac2f5be454780565ac8b70fad91";

const OBJECT = ["--username", "ada", "--on", `customer:${CUSTOMER}`];
const ADA = `INSERT INTO users (uuid, username) VALUES ('${UUID}', 'ada')`;

describe("npm run admin", () => {
  let database: LocalDatabase;
  const admin = (...args: string[]) => database.admin(...args);

  beforeEach(async () => {
    database = await LocalDatabase.create();
  });
  afterEach(() => database?.remove());

  it("creates a user and a token that secret scanners can find, and prints the token only to stdout", async () => {
    const created = await admin("user", "create", "--username", "ada", "--uuid", UUID, "--token-lifetime", "3600");
    assert.deepEqual([created.code, created.stdout], [0, `${UUID}\n`]);
    const { stdout, stderr } = await admin("token", "create", "--username", "ada", "--expires", "2027-01-31");
    const token = stdout.trim();

    assert.match(token, /^eev_[0-9a-f]{40}$/);
    assert.ok(!stderr.includes(token.slice(4)));
    const hash = createHash("sha256").update(token).digest("hex");
    const [row] = await database.query(
      "SELECT hash, expires, token_lifetime FROM tokens JOIN users ON uuid = user_uuid",
    );
    assert.deepEqual(row, { hash, expires: Date.parse("2027-01-31T00:00:00Z") * 1000, token_lifetime: 3600 });
  });

  it("says that a token made a new user, which may be a slip of the pen", async () => {
    const first = await admin("token", "create", "--username", "adda");
    const second = await admin("token", "create", "--username", "adda");

    assert.match(first.stderr, /^There was no user called adda; one was created\.$/m);
    assert.ok(!second.stderr.includes("was created"));
  });

  it("leaves an existing user unchanged", async () => {
    await database.query(ADA);

    const again = await admin("user", "create", "--username", "ada", "--staff");
    assert.deepEqual([again.code, again.stdout], [1, ""]);
    assert.match(again.stderr, /There is already a user with the name ada/);
    const refused = await admin("token", "create", "--username", "ada", "--staff");
    assert.deepEqual([refused.code, refused.stdout], [1, ""]);
    assert.match(refused.stderr, /^ada exists and is a plain user, so no token was created\./);
    assert.deepEqual(await database.query("SELECT uuid, is_staff, (SELECT count(*) FROM tokens) AS n FROM users"), [
      { uuid: UUID, is_staff: 0, n: 0 },
    ]);
  });

  it("grants a role that expires", async () => {
    await database.query(ADA);

    const { stdout, stderr } = await admin(
      ...["role", "grant", ...OBJECT, "--role", "CUSTOMER.OWNER", "--customer", UUID, "--expires", "2027-01-01T00:00Z"],
      ...["--", "role", "list"],
    );

    assert.match(stderr, /"event":"audit","by":".+","command":"role grant"/);
    assert.match(stdout, /ada\tcustomer\tf{12}4f{3}8f{15}\tCUSTOMER\.OWNER\t2027-01-01T00:00:00\.000Z/);
    assert.deepEqual(await database.query("SELECT customer FROM roles"), [{ customer: UUID }]);
    assert.equal((await admin("role", "grant", "--username", "ada", "--on", "pet:1")).code, 2);
  });

  it("grants a role again without an end, and revokes it", async () => {
    const end = Date.parse("2027-01-01T00:00:00Z") * 1000;
    await database.query(
      ADA,
      `INSERT INTO roles VALUES ('${UUID}', '${CUSTOMER.replaceAll("-", "")}', 'customer', 'CUSTOMER.OWNER', '${UUID}', ${end})`,
    );

    await admin("role", "grant", ...OBJECT, "--role", "CUSTOMER.OWNER");
    assert.deepEqual(await database.query("SELECT customer, expires FROM roles"), [{ customer: UUID, expires: null }]);

    assert.match((await admin("role", "revoke", ...OBJECT)).stderr, /ada has lost CUSTOMER\.OWNER\./);
    assert.deepEqual(await database.query("SELECT * FROM roles"), []);
  });

  it("lists tokens with the IDs that revoke them", async () => {
    const times = ["2026-01-31", "2027-01-31"].map((day) => Date.parse(day) * 1000);
    const hash = "0123456789abcdef".repeat(4);
    await database.query(ADA, `INSERT INTO tokens VALUES ('${hash}', '${UUID}', ${times.join()}, NULL)`);

    assert.equal(
      (await admin("token", "list", "--username", "ada")).stdout,
      "id\tusername\tcreated\texpires\tlast_used\n" +
        "0123456789ab\tada\t2026-01-31T00:00:00.000Z\t2027-01-31T00:00:00.000Z\t-\n",
    );
    assert.match((await admin("token", "revoke", "0123456789ab")).stderr, /is revoked\./);
    assert.deepEqual(await database.query("SELECT * FROM tokens"), []);
  });

  it("changes a user", async () => {
    await database.query(ADA);

    const changed = await admin("user", "change", "--username", "ada", "--active", "no", "--support", "yes");
    assert.equal(changed.code, 0);
    assert.match((await admin("user", "list")).stdout, new RegExp(`ada\t${UUID}\t0\t1\t0\t-\t0\t0`));
    assert.match((await admin("user", "change", "--username", "ada")).stderr, /^Give at least one of --staff/);
  });

  it("runs several commands in turn, and none after one that fails", async () => {
    const create = (username: string) => ["user", "create", "--username", username, "--uuid"];

    const { code, stdout, stderr } = await admin(
      ...[
        ...create("ada"),
        UUID,
        "--",
        "token",
        "list",
        "--",
        ...create("eve"),
        UUID,
        "--",
        ...create("bob"),
        CUSTOMER,
      ],
    );

    assert.deepEqual([code, stdout], [1, `${UUID}\n(none)\n`]);
    assert.match(stderr, /^\{.*"user create".*\}\n\{.*"token list".*\}\nThere is already a user with the name eve or/);
    assert.deepEqual(await database.query("SELECT username FROM users"), [{ username: "ada" }]);
  });

  it("runs none of several commands when one of them does not exist", async () => {
    for (const unknown of [["user", "destroy"], []]) {
      const { code, stdout } = await admin("user", "create", "--username", "ada", "--", ...unknown);
      assert.deepEqual([code, stdout], [2, ""]);
    }
    assert.deepEqual(await database.query("SELECT username FROM users"), []);
  });

  it("answers an unknown command with two lines, which name the commands there are", async () => {
    const help = "To see all commands, run: npm run admin -- help\n";
    for (const [args, line] of [
      [["user", "destroy"], 'There is no command "user destroy". There are: user create, user change, user list.\n'],
      [["user"], 'There is no command "user". There are: user create, user change, user list.\n'],
      [["toString"], /^There is no command "toString"\. There are: counters …, search …, .*, dead-letters …\.\n/],
      [[], "Give a command, for example: user list. "],
    ] as const) {
      const { code, stdout, stderr } = await admin(...args);
      assert.deepEqual([code, stdout], [2, ""]);
      assert.ok(stderr.endsWith(help) && stderr.split("\n").length <= 3, stderr);
      assert.ok(typeof line === "string" ? stderr === line + help : line.test(stderr), stderr);
    }
  });

  it("answers an unknown option with how to see those of the command", async () => {
    const { code, stderr } = await admin("user", "create", "--username", "ada", "--admin");
    assert.match(
      stderr,
      /^Unknown option '--admin'.*\nTo see its options, run: npm run admin -- user create --help\n$/,
    );
    assert.equal(code, 2);
  });

  it("prints the help of one command", async () => {
    for (const args of [
      ["user", "list", "--help"],
      ["user", "create", "--username", "ada", "-h"],
    ]) {
      const { code, stdout } = await admin(...args);
      assert.equal(code, 0);
      assert.deepEqual(stdout.match(/^ {2}[a-z]+ [a-z]+/gm), [`  ${args.slice(0, 2).join(" ")}`]);
    }
  });

  it("names the option that is wrong, and what it must be", async () => {
    const missing = await admin("user", "create");
    assert.equal(missing.stderr, "--username is missing. It must be 1 to 150 characters without control characters.\n");
    const wrong = await admin("role", "grant", "--username", "ada", "--on", `customer:${UUID}`, "--expires", "soon");
    assert.match(wrong.stderr, /^--expires is "soon"\. It must be a day like 2027-01-31 or a time like /);
    assert.deepEqual([missing.code, wrong.code], [2, 2]);
  });

  it("learns objects from events that are older than the table of objects", async () => {
    const context = JSON.stringify({ customer_uuid: UUID, project_uuid: CUSTOMER, note: "it's ?" });
    await database.query(
      `INSERT INTO events (uuid, created, type, message, context, producer, received_at, upstream)
       VALUES ('${"a".repeat(32)}', 1, 1, 'm', '${context.replaceAll("'", "''")}', 'p', 1, 0)`,
    );

    assert.match((await admin("objects", "learn")).stderr, /No producer in the database may tell places/);
    assert.equal((await admin("objects", "learn", "--producer", "p")).code, 0);

    const project = CUSTOMER.replaceAll("-", "");
    assert.deepEqual(await database.query("SELECT uuid, type, customer FROM objects ORDER BY uuid"), [
      { uuid: UUID, type: "structure.customer", customer: null },
      { uuid: project, type: "structure.project", customer: UUID },
    ]);
  });

  it("prints no value in the audit line that may be a secret", () => {
    const line = auditLine("producer add", ["NAME", "--secret", "hidden", "--secret=hidden", "--username=ada"], 0);

    assert.deepEqual(JSON.parse(line).options, ["…", "--secret", "…", "--secret=…", "--username=ada"]);
  });
});
