import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { LocalServer } from "./local-server.ts";
import { snippetsOf } from "./snippets.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const STAND_IN = join(import.meta.dirname, "waldur-js-client.ts");
const TOKEN = "eev_0123456789abcdef0123456789abcdef01234567";
/** Sign-ins and accounts: events of the group `users` among the 300 sample events. */
const OF_USERS = 61;
const run = promisify(execFile);

/** Makes Node load the stand-in for the package. */
const HOOKS = `import { registerHooks } from "node:module";
registerHooks({
  resolve: (name, context, next) =>
    name.startsWith("waldur-js-client") ? { url: "${pathToFileURL(STAND_IN)}", shortCircuit: true } : next(name, context),
});`;

describe("Waldur's clients", () => {
  let folder: string;
  let server: LocalServer;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "edge-events-client-"));
    server = await LocalServer.start({ STATE_DIR: join(folder, "state"), STAFF_TOKEN: TOKEN, SAMPLE_EVENTS: "300" });
  });
  after(async () => {
    await server?.stop("SIGTERM");
    await rm(folder, { recursive: true, force: true });
  });

  async function snippet(): Promise<string> {
    const [{ code } = { code: "" }] = (await snippetsOf("README.md")).filter(({ language }) => language === "ts");
    return code.replace("http://127.0.0.1:8787", server.url).replace("eev_…", TOKEN);
  }

  it("the lines of the README for TypeScript have the types of the client", async () => {
    const paths = { "waldur-js-client": [STAND_IN], "waldur-js-client/client.gen": [STAND_IN] };
    await writeFile(join(folder, "typed.ts"), await snippet());
    await writeFile(
      join(folder, "tsconfig.json"),
      JSON.stringify({
        extends: join(ROOT, "src/cli/tsconfig.json"),
        compilerOptions: { paths, typeRoots: [join(ROOT, "node_modules/@types")] },
        include: ["typed.ts"],
      }),
    );
    const { stdout } = await run(process.execPath, [join(ROOT, "node_modules/typescript/bin/tsc"), "-p", folder]);
    assert.equal(stdout, "");
  });

  it("the lines of the README for TypeScript list events, with the requests of the client", async () => {
    const file = join(folder, "run.mts");
    await writeFile(file, await snippet());
    await writeFile(join(folder, "hooks.mjs"), HOOKS);
    const { stdout } = await run(process.execPath, ["--import", join(folder, "hooks.mjs"), file]);
    assert.equal(stdout.match(/^20\d\d-\S+Z /gm)?.length, OF_USERS);
    assert.match(stdout, /^2026-07-23T11:55:22\.917636Z User declan\.marlowe/);
  });
});
