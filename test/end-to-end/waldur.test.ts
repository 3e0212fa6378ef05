import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { LocalServer } from "./local-server.ts";
import { StandInWaldur } from "./stand-in-waldur.ts";

const TOKEN = "token-of-a-waldur";
const STAFF_TOKEN = "0123456789abcdef0123456789abcdef01234567";
const STAFF = { uuid: "a".repeat(32), username: "ada", is_staff: true, is_support: false, permissions: [] };

describe("npm start with AUTH=waldur", () => {
  let stateDir: string;
  let waldur: StandInWaldur;
  let server: LocalServer;

  before(async () => {
    stateDir = await mkdtemp(join(tmpdir(), "edge-events-"));
    waldur = await StandInWaldur.start({ [TOKEN]: STAFF });
    const env = { AUTH: "waldur", WALDUR_URL: waldur.url };
    server = await LocalServer.start({ STATE_DIR: stateDir, STAFF_TOKEN, SAMPLE_EVENTS: "20", ...env });
  });

  after(async () => {
    await server?.stop("SIGTERM");
    await waldur?.stop();
    await rm(stateDir, { recursive: true, force: true });
  });

  const count = (token: string) =>
    fetch(`${server.url}/api/events/count/`, { headers: { Authorization: `Token ${token}` } });

  it("shows the sample events to a user of that Waldur", async () => {
    assert.deepEqual(await (await count(TOKEN)).json(), { count: 20 });
  });

  it("refuses the local token", async () => {
    assert.equal((await count(STAFF_TOKEN)).status, 401);
  });
});
