import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, it } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { freePort, LocalServer } from "../../end-to-end/local-server.ts";
import { debianProgram, Program } from "./programs.ts";

const SYSLOG_NG = debianProgram("syslog-ng", "syslog-ng-core syslog-ng-mod-http");
const README = resolve(import.meta.dirname, "../../../src/ingest/producers/README.md");
const STAFF_TOKEN = `eev_${"5".repeat(40)}`;
const SECRET = "secret-of-the-syslog-test";
const HANGING = { timeout: 120_000 };
const POLL_MS = 100;

const [SAME, OTHER] = ["<13>Nov 25 14:00:00 host app[1]: Disk full", '<11>Nov 25 14:00:01 host app[1]: Õ "x" \\ {y}'];

interface Line {
  created: string;
  message: string;
  context: Record<string, string>;
}

/** A server between syslog-ng and ours, which answers each request as its next rule says. */
class Gateway {
  /** What becomes of the next requests: refused with 429; answered with 503 after it was passed on. Then all pass. */
  readonly rules: ("refuse" | "lose the answer")[] = [];
  readonly statuses: number[] = [];
  readonly server: Server;

  constructor(target: () => string) {
    this.server = createServer((request, response) => void this.#answer(request, response, target()));
  }

  async #answer(request: IncomingMessage, response: ServerResponse, target: string): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const rule = this.rules.shift();
    const status = rule === "refuse" ? 429 : await pass(target, request.headers, Buffer.concat(chunks));
    this.statuses.push(status);
    response.writeHead(rule === "lose the answer" ? 503 : status).end();
  }
}

async function pass(url: string, headers: NodeJS.Dict<string | string[]>, body: Buffer): Promise<number> {
  const sent = { Authorization: String(headers.authorization), "Content-Type": String(headers["content-type"]) };
  return (await fetch(url, { method: "POST", headers: sent, body: new Uint8Array(body) })).status;
}

let directory: string;
let server: LocalServer;
const gateway = new Gateway(() => `${server.url}/ingest/local`);
const running: Program[] = [];

before(async () => {
  assertInstalled();
  directory = await mkdtemp(join(tmpdir(), "syslog-ng-"));
  const state = { STATE_DIR: join(directory, "state"), SAMPLE_EVENTS: "0" };
  server = await LocalServer.start({ ...state, STAFF_TOKEN, INGEST_SECRET: SECRET });
  await once(gateway.server.listen(0, "127.0.0.1"), "listening");
});

after(async () => {
  for (const program of running) await program.stop();
  gateway.server.close();
  await server?.stop("SIGTERM");
  if (directory !== undefined) await rm(directory, { recursive: true });
});

/** Throws one line with the name of the package of a module. */
function assertInstalled(): void {
  const { stdout } = spawnSync(SYSLOG_NG, ["--version"], { encoding: "utf8" });
  if (/^Available-Modules:.*\bhttp\b/m.test(stdout ?? "")) return;
  throw new Error("This test needs a module of syslog-ng: apt-get install syslog-ng-mod-http");
}

/** The configuration in the README, for our ports and directories. */
async function configuration(port: number): Promise<string> {
  const [, text = ""] = /^```syslog-ng\n([\s\S]*?)^```/m.exec(await readFile(README, "utf8")) ?? [];
  const address = gateway.server.address();
  assert.ok(typeof address === "object" && address !== null);
  return replaced(text, {
    "http://127.0.0.1:8787/ingest/local": `http://127.0.0.1:${address.port}/`,
    "Bearer SECRET": `Bearer ${SECRET}`,
    "port(5514)": `port(${port})`,
    "time-reopen(10)": "time-reopen(1)",
  });
}

function replaced(text: string, values: Readonly<Record<string, string>>): string {
  return Object.entries(values).reduce((changed, [from, to]) => {
    assert.ok(changed.includes(from), `The README has no ${from}.`);
    return changed.replace(from, to);
  }, text);
}

/** Runs syslog-ng and sends it lines; returns when it has closed the connection it got them by. */
async function logged(lines: readonly string[], change = (text: string) => text): Promise<void> {
  const port = await freePort();
  const own = await mkdtemp(join(directory, "run-"));
  await writeFile(join(own, "conf"), change(await configuration(port)));
  const files = ["-f", "conf", "-R", "persist", "-c", "control", "-p", "pid"].map((word) =>
    word.startsWith("-") ? word : join(own, word),
  );
  const program = new Program(SYSLOG_NG, ["--foreground", "--no-caps", "--stderr", ...files]);
  running.push(program);
  await program.hasPrinted("starting up");
  const socket = connect(port, "127.0.0.1");
  socket.end(lines.map((line) => `${line}\n`).join(""));
  await once(socket.resume(), "close");
}

/** The stored lines of this program, once there are so many. */
async function stored(count: number): Promise<Line[]> {
  for (;;) {
    const headers = { Authorization: `Token ${STAFF_TOKEN}` };
    const response = await fetch(`${server.url}/api/events/?event_type=syslog&o=created&page_size=100`, { headers });
    const events = (await response.json()) as Line[];
    if (events.length >= count) return events;
    await wait(POLL_MS);
  }
}

it("two equal lines of one second are one event without the id, and two with it", HANGING, async () => {
  await logged([SAME, SAME], (text) => replaced(text, { "uuid=$EVENT_ID ": "" }));
  assert.equal((await stored(1)).length, 1);
  await logged([SAME, SAME]);
  // The one without an id gets the id of one of these.
  const events = await stored(2);
  assert.deepEqual(
    events.map(({ message, context }) => [message, context.program, context.priority]),
    Array.from({ length: 2 }, () => ["Disk full", "app", "notice"]),
  );
  assert.equal(new Set(events.map(({ created }) => created)).size, 1);
});

it("lines are stored once, when a request is refused and when its answer is lost", HANGING, async () => {
  const before = (await stored(0)).length;
  gateway.statuses.length = 0;
  gateway.rules.push("refuse", "lose the answer");
  await logged([SAME, OTHER]);
  while (gateway.statuses.length < 3) await wait(POLL_MS);
  assert.deepEqual(gateway.statuses, [429, 202, 202]);
  const events = await stored(before + 2);
  assert.equal(events.length, before + 2);
  assert.deepEqual([events.at(-1)?.message, events.at(-1)?.context.priority], ['Õ "x" \\ {y}', "err"]);
});
