import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { LocalServer } from "./local-server.ts";

const TOKEN = "token-of-a-waldur";
const STAFF_TOKEN = "0123456789abcdef0123456789abcdef01234567";
const STAFF = { uuid: "a".repeat(32), username: "ada", is_staff: true, is_support: false, permissions: [] };

describe("npm start with AUTH=waldur", () => {
  let stateDir: string;
  let waldur: Server;
  let server: LocalServer;

  before(async () => {
    stateDir = await mkdtemp(join(tmpdir(), "edge-events-"));
    waldur = createServer((request, response) => {
      const known = request.url === "/api/users/me/" && request.headers.authorization === `Token ${TOKEN}`;
      response.writeHead(known ? 200 : 401, { "Content-Type": "application/json" });
      response.end(JSON.stringify(known ? STAFF : { detail: "Invalid token." }));
    }).listen(0, "127.0.0.1");
    await once(waldur, "listening");
    const address = waldur.address();
    const port = typeof address === "object" ? address?.port : undefined;
    const env = { AUTH: "waldur", WALDUR_URL: `http://127.0.0.1:${port}` };
    server = await LocalServer.start({ STATE_DIR: stateDir, STAFF_TOKEN, SAMPLE_EVENTS: "20", ...env });
  });

  after(async () => {
    await server?.stop("SIGTERM");
    waldur?.close();
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
