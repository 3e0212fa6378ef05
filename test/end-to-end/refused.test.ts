import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { FAILED, WRONG_USAGE } from "../../src/cli/failure.ts";
import { lockStateDir } from "../../src/cli/state-dir.ts";
import { freePort } from "./local-server.ts";
import { exitCode, ProjectCopy } from "./project-copy.ts";

const INSTALL = resolve(import.meta.dirname, "../../src/cli/install.mjs");
const SHORT = "x".repeat(19);
/** Ends a test that hangs. */
const HANGING = { timeout: 60_000 };

/** What is wrong → the variables of `npm start`, and what it prints. */
const WRONG: Record<string, [env: Record<string, string>, printed: string]> = {
  "an unknown AUTH": [{ AUTH: "ldap" }, "AUTH must be local or waldur."],
  "AUTH=waldur without WALDUR_URL": [
    { AUTH: "waldur" },
    "AUTH=waldur needs WALDUR_URL, e.g. WALDUR_URL=https://waldur.example.com.",
  ],
  "a WALDUR_URL without http": [
    { AUTH: "waldur", WALDUR_URL: "waldur.example.com" },
    "WALDUR_URL must be an http or https URL without user, password and query, e.g. https://waldur.example.com.",
  ],
  "a WALDUR_URL with a query, whose end would be syntax in an env file": [
    { AUTH: "waldur", WALDUR_URL: "https://waldur.example.com/?a\\" },
    "WALDUR_URL must be an http or https URL without user, password and query, e.g. https://waldur.example.com.",
  ],
  "a PORT that is no number": [{ PORT: "http" }, "PORT must be a whole number from 1 to 65535."],
  "a PORT above the last": [{ PORT: "65536" }, "PORT must be a whole number from 1 to 65535."],
  "a negative SAMPLE_EVENTS": [{ SAMPLE_EVENTS: "-1" }, "SAMPLE_EVENTS must be a whole number from 0 on."],
  "a short STAFF_TOKEN": [{ STAFF_TOKEN: SHORT }, "STAFF_TOKEN must have at least 20 characters."],
  "a short INGEST_SECRET": [{ INGEST_SECRET: SHORT }, "INGEST_SECRET must have at least 20 characters."],
};

describe("npm start refuses in one line", () => {
  let parent: string;
  let copy: ProjectCopy;
  before(async () => {
    parent = await mkdtemp(join(tmpdir(), "edge-events-"));
    copy = await ProjectCopy.create();
  });
  after(async () => {
    await copy?.remove();
    await rm(parent, { recursive: true, force: true });
  });

  /** Runs it to its end. Returns what it printed, and its exit code. */
  async function start(env: Record<string, string>, devVars = ""): Promise<[printed: string, code: number | null]> {
    const run = await copy.start(devVars, { PORT: String(await freePort()), ...env });
    return [await exitCode(run).then(() => run.printed()), run.child.exitCode];
  }

  for (const [what, [env, printed]] of Object.entries(WRONG)) {
    it(what, HANGING, async () => {
      assert.deepEqual(await start(env), [`${printed}\n`, WRONG_USAGE]);
    });
  }

  it("an unknown AUTH of .dev.vars", HANGING, async () => {
    assert.deepEqual(await start({}, "AUTH=ldap"), ["AUTH must be local or waldur.\n", WRONG_USAGE]);
  });

  it("a short token of .dev.vars", HANGING, async () => {
    const printed = "LOCAL_STAFF_TOKEN in .dev.vars must have at least 20 characters.\n";
    assert.deepEqual(await start({}, `LOCAL_STAFF_TOKEN=${SHORT}`), [printed, WRONG_USAGE]);
  });

  it("a port that another process uses", HANGING, async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const address = other.address();
    const port = typeof address === "object" ? address?.port : undefined;
    const [printed, code] = await start({ PORT: String(port) });
    other.close();
    assert.match(printed, new RegExp(`^Port ${port} is in use\\. .*PORT\\.\n$`));
    assert.equal(code, FAILED);
  });

  it("a STATE_DIR that is a file, or below one", HANGING, async () => {
    const file = join(parent, "file");
    await writeFile(file, "");
    for (const stateDir of [file, join(file, "state")]) {
      const [printed, code] = await start({ STATE_DIR: stateDir });
      assert.match(
        printed,
        /^The directory \S+ cannot be used: .* Choose another one with the variable STATE_DIR\.\n$/,
      );
      assert.equal(code, FAILED);
    }
  });

  it("a STATE_DIR in which nobody may write", { ...HANGING, skip: process.platform !== "linux" }, async () => {
    for (const stateDir of ["/proc", "/proc/state/new"]) {
      const [printed, code] = await start({ STATE_DIR: stateDir });
      assert.match(printed, /^The directory \/proc\S* cannot be used: .* STATE_DIR\.\n$/);
      assert.equal(code, FAILED);
    }
  });

  it("a second server on the same state", HANGING, async () => {
    const unlock = lockStateDir(parent);
    const refused = await start({ STATE_DIR: parent });
    unlock();
    const printed = `Another server uses the database in ${parent}. Stop it, or choose another directory with the variable STATE_DIR.\n`;
    assert.deepEqual(refused, [printed, FAILED]);
    lockStateDir(parent)();
  });
});

describe("npm, before any of its scripts,", () => {
  /** Runs install.mjs as if Node had another version. */
  const installOn = (version: string) =>
    promisify(execFile)(process.execPath, [
      `--import=data:text/javascript,Object.defineProperty(process.versions,"node",{value:"${version}"})`,
      INSTALL,
    ]);

  it("refuses a Node that is too old in one line", async () => {
    await assert.rejects(installOn("18.20.8"), {
      code: 1,
      stdout: "",
      stderr: "This project needs Node 20 or newer, and this is Node 18.20.8: see https://nodejs.org.\n",
    });
  });

  it("accepts the oldest Node that package.json allows, and prints nothing", async () => {
    assert.deepEqual(await installOn("20.0.0"), { stdout: "", stderr: "" });
  });
});
