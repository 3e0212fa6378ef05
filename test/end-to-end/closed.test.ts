import assert from "node:assert/strict";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { openStateDir } from "../../src/cli/state-dir.ts";
import { LocalServer } from "./local-server.ts";

const STAFF_TOKEN = "0123456789abcdef0123456789abcdef01234567";
const INGEST_SECRET = "s3cret-in-the-url-of-a-hook";
/** The local explorer and the trace store of wrangler, under the paths of its versions. */
const EXPLORERS = ["/cdn-cgi/explorer", "/cdn-cgi/local/explorer"];
const QUERIES = ["/api/d1/database/DB/raw", "/api/local/observability/query", "/api/local/observability/clear"];
/** /proc lists the ports of a process. */
const needsProc = { skip: process.platform !== "linux" };

describe("npm start, for a stranger on the same machine", () => {
  let parent: string;
  let stateDir: string;
  let server: LocalServer;

  before(async () => {
    parent = await mkdtemp(join(tmpdir(), "edge-events-"));
    stateDir = join(parent, "state");
    server = await LocalServer.start({ STATE_DIR: stateDir, STAFF_TOKEN, INGEST_SECRET, SAMPLE_EVENTS: "0" });
  });

  after(async () => {
    await server?.stop("SIGTERM");
    await rm(parent, { recursive: true, force: true });
  });

  it("has no explorer and no trace store", async () => {
    for (const explorer of EXPLORERS) {
      for (const path of ["", "/", "/api", "/api/d1/database"]) {
        assert.equal((await fetch(`${server.url}${explorer}${path}`)).status, 404, `${explorer}${path}`);
      }
      for (const path of QUERIES) {
        const response = await fetch(`${server.url}${explorer}${path}`, {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify({ sql: "SELECT 1" }),
        });
        assert.equal(response.status, 404, `${explorer}${path}`);
      }
    }
  });

  it("writes no secret of a URL to a file", async () => {
    const response = await fetch(`${server.url}/ingest/local/${INGEST_SECRET}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ event_type: "user_activated", message: "User Ada has been activated." }),
    });
    assert.equal(response.status, 202);
    const found = filesBelow(stateDir).filter((file) => readFileSync(file).includes(INGEST_SECRET));
    assert.deepEqual(found, [join(stateDir, "start.env")]);
  });

  it("keeps its files for the user who started it", async () => {
    assert.equal(await modeOf(stateDir), 0o700);
    assert.equal(await modeOf(join(stateDir, "start.env")), 0o600);
  });

  it("listens on loopback ports only, each of which refuses strangers or is the API", needsProc, async () => {
    const sockets = server.processes().flatMap(listeningSockets);
    const ports = sockets.map(({ port }) => port);
    assert.ok(ports.includes(Number(new URL(server.url).port)));
    assert.deepEqual(new Set(sockets.map(({ address }) => address)), new Set(["127.0.0.1"]));
    for (const port of ports) {
      const debuggers = await fetch(`http://127.0.0.1:${port}/json`);
      const text = await debuggers.text();
      assert.ok([403, 404].includes(debuggers.status), `port ${port} answers ${debuggers.status}: ${text}`);
      assert.ok(["Forbidden", '{"detail":"Not found."}'].includes(text), `port ${port} answers ${text}`);
    }
  });
});

describe("the state directory", () => {
  let parent: string;
  before(async () => {
    parent = await mkdtemp(join(tmpdir(), "edge-events-"));
  });
  after(() => rm(parent, { recursive: true, force: true }));

  it("is made for its owner alone", async () => {
    const directory = join(parent, "new/state");
    assert.equal(await openStateDir(directory), undefined);
    assert.equal(await modeOf(directory), 0o700);
  });

  it("is closed when it is the project's own", async () => {
    const directory = await anOpenDirectory("own");
    assert.equal(await openStateDir(directory, directory), undefined);
    assert.equal(await modeOf(directory), 0o700);
  });

  it("stays as it is, with a warning, when the user has chosen an open one", async () => {
    const directory = await anOpenDirectory("chosen");
    assert.match((await openStateDir(directory)) ?? "", /Other users .*chmod 700/);
    assert.equal(await modeOf(directory), 0o755);
  });

  it("loses the trace store of earlier versions", async () => {
    const store = join(parent, "traced/v3/observability/miniflare-wobs-trace-store");
    await mkdir(store, { recursive: true });
    await openStateDir(join(parent, "traced"));
    assert.deepEqual(readdirSync(join(parent, "traced/v3")), []);
  });

  async function anOpenDirectory(name: string): Promise<string> {
    const directory = join(parent, name);
    await mkdir(directory);
    await chmod(directory, 0o755);
    return directory;
  }
});

const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

const filesBelow = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));

interface Socket {
  address: string;
  port: number;
}

/** The TCP sockets on which a process listens, from /proc of Linux. */
function listeningSockets(pid: number): Socket[] {
  const descriptors = readdirSync(`/proc/${pid}/fd`).flatMap((fd) => linkOf(`/proc/${pid}/fd/${fd}`));
  const tables = ["tcp", "tcp6"].flatMap((table) => readFileSync(`/proc/${pid}/net/${table}`, "utf8").split("\n"));
  return tables.flatMap((line) => {
    const [, local = "", , state, , , , , , inode] = line.trim().split(/\s+/);
    const isListening = state === "0A" && descriptors.includes(`socket:[${inode}]`);
    return isListening ? [socketOf(local)] : [];
  });
}

/** A descriptor may be closed meanwhile. */
function linkOf(path: string): string[] {
  try {
    return [readlinkSync(path)];
  } catch {
    return [];
  }
}

/** `0100007F:1F90` is 127.0.0.1:8080; an IPv6 address stays in hex digits. */
function socketOf(local: string): Socket {
  const [hex = "", port = ""] = local.split(":");
  const isIpv4 = hex.length === 8;
  const address = isIpv4 ? [...Buffer.from(hex, "hex").reverse()].join(".") : hex;
  return { address, port: Number.parseInt(port, 16) };
}
