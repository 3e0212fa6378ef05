import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createReadStream, existsSync, readFileSync, statSync } from "node:fs";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import packageJson from "../../package.json" with { type: "json" };
import { LocalDatabase } from "./local-database.ts";
import { LocalServer } from "./local-server.ts";

/** Events of the log; test/README.md has a command for more. */
const EVENTS = Number(process.env.BACKUP_EVENTS ?? 20_000);
/** How often a backup and a restore are killed. */
const KILLS = 3;
const TOKEN = "0123456789abcdef0123456789abcdef01234567";
const CUSTOMER = "c".repeat(32);
const POLL_MS = 5;
/** Ends a test that hangs. */
const HANGING = { timeout: 600_000 };

const ROOT = resolve(import.meta.dirname, "../..");
const [, ...ADMIN] = packageJson.scripts.admin.split(" ");

let directory: string;
let source: LocalDatabase;
const databases: LocalDatabase[] = [];
const another = async () => {
  const database = await LocalDatabase.missing();
  databases.push(database);
  return database;
};
const path = (name: string) => join(directory, name);

/** SQL alone, so that nothing of what is tested makes it. */
const FILL = [
  `WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < ${EVENTS})
    INSERT INTO events (id, uuid, created, type, message, context, producer, upstream, received_at, content)
    SELECT i, printf('%032x', i * 7919), 1750000000000000 + i * 60000000, 1 + i % 340, 'Volume ' || i || ' was resized.',
      json_object('customer_uuid', iif(i % 10, printf('%032x', i % 50), '${CUSTOMER}'), 'project_uuid', printf('%032x', 2000 + i % 300),
        'note', printf('%0700d', i)),
      'waldur', i % 2, 1750000000000000 + i * 60000000, iif(i % 3, printf('%032x', i * 104729), NULL) FROM numbers`,
  `INSERT INTO event_scopes (scope, created, event_id, type, roles)
    SELECT context->>'customer_uuid', created, id, type, 3 FROM events
    UNION ALL SELECT context->>'project_uuid', created, id, type, 5 FROM events`,
  "DELETE FROM events WHERE id % 1000 = 7",
  "INSERT INTO users (uuid, username, is_staff) VALUES ('ab', 'ada', 1)",
  `INSERT INTO tokens (hash, user_uuid, created) VALUES ('${createHash("sha256").update(TOKEN).digest("hex")}', 'ab', 0)`,
];

const DELETED = Math.floor((EVENTS - 7) / 1000) + 1;

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await work();
  console.log(`${what} of ${EVENTS} events: ${((performance.now() - start) / 1000).toFixed(1)} s`);
  return result;
}

async function sha256(file: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of createReadStream(file)) hash.update(piece);
  return hash.digest("hex");
}

const manifestOf = (file: string) => JSON.parse(readFileSync(`${file}.manifest.json`, "utf8"));

/** Runs a command and kills it as soon as something is the case, or lets it end. Returns the most memory it had, in MB. */
async function killedWhen(database: LocalDatabase, args: string[], isTime: () => boolean | Promise<boolean>) {
  const env = { ...process.env, STATE_DIR: database.target.stateDir };
  const child = spawn(process.execPath, [...ADMIN, ...args], { cwd: ROOT, env, stdio: "ignore" });
  const ended = once(child, "close");
  let memory = 0;
  while (child.exitCode === null && !(await isTime())) {
    memory = Math.max(memory, residentMemory(child.pid));
    await sleep(POLL_MS);
  }
  child.kill("SIGKILL");
  await ended;
  return { killed: child.signalCode === "SIGKILL", memory };
}

/** MB; 0 where there is no /proc. */
function residentMemory(pid = 0): number {
  try {
    const [, kilobytes = 0] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return Number(kilobytes) / 1024;
  } catch {
    return 0;
  }
}

const size = (file: string) => (existsSync(file) ? statSync(file).size : 0);

async function writtenLines(database: LocalDatabase): Promise<number> {
  const [row] = await database.query("SELECT lines FROM unfinished_restore").catch(() => []);
  return Number(row?.lines ?? 0);
}

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "edge-events-backup-"));
  source = await LocalDatabase.create();
  databases.push(source);
  await source.query(...FILL);
});
after(async () => {
  await Promise.all(databases.map((database) => database.remove()));
  await rm(directory, { recursive: true, force: true });
});

describe(`a log of ${EVENTS} events`, () => {
  it("is backed up whole by a command that is killed again and again", HANGING, async () => {
    await timed("backup", () => source.admin("backup", path("whole")));
    const bytes = statSync(path("whole")).size;
    let kills = 0;
    for (let kill = 1; kill <= KILLS; kill++) {
      const { killed } = await killedWhen(
        source,
        ["backup", path("killed")],
        () => size(path("killed")) >= (bytes * kill) / (KILLS + 1),
      );
      kills += Number(killed);
    }
    assert.equal(kills, KILLS);
    assert.equal(existsSync(`${path("killed")}.manifest.json`), false);

    const { code, stdout } = await source.admin("backup", path("killed"));

    const digest = await sha256(path("killed"));
    assert.deepEqual([code, stdout.includes(digest)], [0, true]);
    assert.equal(digest, await sha256(path("whole")));
    assert.equal(digest, manifestOf(path("killed")).sha256);
    assert.equal(statSync(path("killed")).mode & 0o777, 0o600);
    const again = await source.admin("backup", path("killed"));
    assert.match(again.stderr, /killed is a complete backup\. Give another name, or delete it\.\n$/);
  });

  it(
    "is restored whole by a command that is killed again and again, and served to the same people",
    HANGING,
    async () => {
      const database = await another();
      for (let kill = 1; kill <= KILLS; kill++) {
        const lines = (EVENTS * kill) / (KILLS + 2);
        await killedWhen(database, ["restore", path("whole")], async () => (await writtenLines(database)) >= lines);
      }
      const early = await database.admin("log", "check");
      assert.deepEqual([early.code, /A restore of this database has not ended/.test(early.stderr)], [1, true]);
      await assert.rejects(LocalServer.start({ STATE_DIR: database.target.stateDir, SAMPLE_EVENTS: "0" }));

      const done = await timed("rest of the restore", () => database.admin("restore", path("whole")));

      assert.equal(done.code, 0, done.stderr);
      const entries = EVENTS + DELETED;
      assert.equal(
        done.stdout,
        `The restore was completed: ${EVENTS - DELETED} events.\n` +
          `The log ends at ${entries}. Entries after 0: ${entries} of ${entries}. Numbers used twice: 0.\n`,
      );
      await database.admin("backup", path("again"));
      assert.equal(manifestOf(path("again")).log.sha256, manifestOf(path("whole")).log.sha256);
      assert.match((await database.admin("counters", "verify")).stdout, / 0 counters differ/);
      assert.equal((await database.admin("search", "rebuild")).stdout, "0 events indexed.\n");
      await assertServes(database);
    },
  );

  it("is restored in one go, in memory that does not grow with it", HANGING, async () => {
    const database = await another();
    const { killed, memory } = await timed("restore", () =>
      killedWhen(database, ["restore", path("whole")], () => false),
    );
    console.log(
      `most memory of the restore: ${memory.toFixed(0)} MB; the backup has ${Math.round(size(path("whole")) / 1e6)} MB`,
    );
    assert.equal(killed, false);
    assert.ok(memory < 600, `${memory} MB`);
    const [row] = await database.query("SELECT count(*) AS n FROM events");
    assert.equal(row?.n, EVENTS - DELETED);
    const second = await database.admin("restore", path("whole"));
    assert.match(
      second.stderr,
      /^The database is not empty: there are rows in the log, users, tokens\. Restore into a new database\.\n/,
    );
  });
});

/** The list as the token of the backup's user sees it. */
async function assertServes(database: LocalDatabase): Promise<void> {
  const server = await LocalServer.start({ STATE_DIR: database.target.stateDir, SAMPLE_EVENTS: "0" });
  try {
    const count = async (filter: string) => {
      const response = await fetch(`${server.url}/api/events/?${filter}`, {
        headers: { Authorization: `Token ${TOKEN}` },
      });
      return Number(response.headers.get("X-Result-Count") ?? Number.NaN);
    };
    assert.equal(await count(""), EVENTS - DELETED);
    assert.equal(await count("message=volume+12345+was"), 1);
    // Every tenth, less none of the deleted ones, whose numbers end with 7.
    assert.equal(await count(`customer_uuid=${CUSTOMER}`), EVENTS / 10);
  } finally {
    await server.stop("SIGTERM");
  }
}

describe("a small log", () => {
  it("is backed up to the bucket and restored from it", HANGING, async () => {
    const database = await LocalDatabase.create();
    databases.push(database);
    await database.query("INSERT INTO users (uuid, username) VALUES ('ab', 'ada')");
    assert.match(
      (await database.admin("backup", "r2:first")).stdout,
      /^r2:first has 0 entries of the log, up to 0, and 1 rows/,
    );
    assert.match((await database.admin("backup", "r2:first")).stderr, /^r2:first is a complete backup/);
    const copy = await another();
    await cp(join(database.target.stateDir, "v3/r2"), join(copy.target.stateDir, "v3/r2"), { recursive: true });

    const { code, stderr } = await copy.admin("restore", "r2:first");

    assert.equal(code, 0, stderr);
    assert.deepEqual(await copy.query("SELECT username FROM users"), [{ username: "ada" }]);
  });

  it("is refused with the reason when its backup is not there, is not complete, or cannot be written", async () => {
    const database = await another();
    await writeFile(path("begun"), "");
    for (const [args, problem] of [
      [["restore", path("nowhere")], /nowhere has no manifest: the backup is not complete/],
      [["restore", path("begun")], /begun has no manifest: the backup is not complete/],
      [["restore", "r2:../a"], /NAME must have 1 to 100 letters/],
      [["restore"], /Give one FILE, or r2:NAME/],
      [["backup", "a", "b"], /Give one FILE, or r2:NAME/],
      [["backup", path("no/such/folder")], /cannot be written to .*no\/such: ENOENT/],
    ] as const) {
      const { code, stderr } = await database.admin(...args);
      assert.match(stderr, problem);
      assert.notEqual(code, 0);
    }
  });
});
