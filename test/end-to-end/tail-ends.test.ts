import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync } from "node:fs";
import { mkdir, open, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { BackOff } from "../../src/cli/tail/back-off.ts";
import { follow } from "../../src/cli/tail/follow.ts";
import { Again, ask } from "../../src/cli/tail/read.ts";
import { Collecting } from "./collector.ts";
import { numbered, StandInFeed } from "./stand-in-feed.ts";

const HANGING = { timeout: 30_000 };
/** Of a message whose answer is more than the system takes for a reader, in characters. */
const LARGE = 2_000_000;
const TOO_LONG = "x".repeat(1_001);
const TOO_MANY = Array.from({ length: 201 }, (_, index) => ["--type", `type_${index}`]).flat();

let world: Collecting;

beforeEach(async () => {
  world = await Collecting.start();
});
afterEach(() => world?.remove());

describe("npm run tail ends", () => {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    it(`with 0 and its state written after ${signal}, also after two of them`, HANGING, async () => {
      world.feed.append(...numbered(1, 7));
      const collector = world.begin(["--state", world.state]);
      await world.feed.asked((query) => query.get("live") !== null);
      collector.kill(signal);
      collector.kill(signal);

      assert.equal(await collector.ended(), 0);
      assert.equal((await world.stored()).offset, world.feed.offsetAfter(7));
      assert.equal(collector.stderr, "");
    });
  }

  it("without its state when a signal comes and nobody takes its output", HANGING, async () => {
    world.feed.append(JSON.stringify({ id: 1, message: "x".repeat(LARGE) }));
    const path = join(world.folder, "pipe");
    execFileSync("mkfifo", [path]);
    const pipe = await open(path, "r+");
    const collector = world.begin(["--state", world.state], pipe.fd);
    // Its first byte says that it writes; nobody takes the others.
    await pipe.read(Buffer.alloc(1));
    collector.kill("SIGTERM");

    assert.equal(await collector.ended(), 0);
    await pipe.close();
    assert.equal(existsSync(world.state), false);
  });

  it("with a sentence when another collector, which still runs, has its state", HANGING, async () => {
    world.feed.append(...numbered(1, 7));
    const first = world.begin(["--state", world.state]);
    await world.feed.asked((query) => query.get("live") !== null);

    const { code, stdout, stderr } = await world.run(["--state", world.state]);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /is in use by another collector/);

    first.kill("SIGKILL");
    await first.ended();
    assert.equal((await world.run(["--once", "--state", world.state])).code, 0);
  });

  it("with a sentence when --once is given and the server never answers", HANGING, async () => {
    const { code, stderr } = await world.run(["--once"], { EDGE_EVENTS_URL: "http://127.0.0.1:1" });
    assert.equal(code, 1);
    assert.match(stderr, /Gave up, because of --once\.$/m);
  });

  it("without a word when the reader of its output goes away, and repeats the answer", HANGING, async () => {
    world.feed.append(...numbered(1, 5), JSON.stringify({ id: 6, message: "x".repeat(LARGE) }));
    world.feed.pageSize = 5;
    const collector = world.begin(["--state", world.state]);
    await collector.hasPrinted('"id":6');
    collector.child.stdout?.destroy();

    assert.equal(await collector.ended(), 0);
    assert.equal(collector.stderr, "");
    assert.equal((await world.stored()).offset, world.feed.offsetAfter(5));
    const { lines } = await world.run(["--once", "--state", world.state]);
    assert.deepEqual(lines, world.feed.messages.slice(5));
  });

  it("with a sentence when the disk is full, and saves nothing", HANGING, async () => {
    world.feed.append(...numbered(1, 7));
    const full = openSync("/dev/full", "w");
    const collector = world.begin(["--state", world.state], full);

    assert.equal(await collector.ended(), 1);
    closeSync(full);
    assert.match(collector.stderr, /^The output cannot be written: ENOSPC[^\n]*\n$/);
    assert.equal(existsSync(world.state), false);
  });
});

describe("a state file", () => {
  it("of another URL or other filters is refused, and stays", HANGING, async () => {
    world.feed.append(...numbered(1, 7));
    await world.run(["--once", "--type", "a", "--type", "b", "--state", world.state]);
    const before = await readFile(world.state, "utf8");
    const other = await StandInFeed.start();

    const filters = await world.run(["--once", "--type", "a", "--from", "beginning", "--state", world.state]);
    const url = await world.run(["--once", "--type", "a", "--type", "b", "--state", world.state, "--url", other.url]);
    await other.stop();
    assert.deepEqual([filters.code, filters.stdout, url.code, url.stdout], [1, "", 1, ""]);
    assert.match(filters.stderr, /^The state file \S+ belongs to other filters\. Name another file with --state/);
    assert.match(url.stderr, /^The state file \S+ belongs to another URL, "http:\S+"\. Name another/);
    assert.equal(await readFile(world.state, "utf8"), before);
    const reordered = await world.run(["--once", "--type", "b", "--type", "a", "--state", world.state]);
    assert.deepEqual([reordered.code, reordered.lines], [0, []]);
  });

  it("that is broken, or no state, is refused", HANGING, async () => {
    const texts = [
      "",
      "{",
      "[]",
      "null",
      '{"offset":"-1"}',
      '{"offset":"a b","url":"u","filter":"f"}',
      " ".repeat(65_537),
    ];
    for (const text of texts) {
      await writeFile(world.state, text);
      const { code, stderr } = await world.run(["--once", "--state", world.state]);
      assert.deepEqual([code, world.feed.requests.length], [1, 0], text);
      assert.match(stderr, /^The state file \S+ is no state of a collector, or it is broken\. [^\n]*\n$/);
    }
  });

  it("that cannot be read or written is refused before a message is printed", HANGING, async () => {
    await mkdir(world.state);
    for (const path of [world.state, join(world.folder, "nowhere", "state.json")]) {
      const { code, stderr } = await world.run(["--once", "--state", path]);
      assert.deepEqual([code, world.feed.requests.length], [1, 0]);
      assert.match(stderr, /^The state file \S+ cannot be (read|written): E[^\n]*\n$/);
    }
  });

  it("is written through no link of somebody else", HANGING, async () => {
    const victim = join(world.folder, "victim");
    await writeFile(victim, "untouched");
    await symlink(victim, `${world.state}.new`);

    assert.equal((await world.run(["--once", "--state", world.state])).code, 0);
    assert.equal(await readFile(victim, "utf8"), "untouched");
    assert.deepEqual((await readdir(world.folder)).sort(), ["state.json", "state.json.lock", "victim"]);
  });
});

describe("the arguments of npm run tail", () => {
  it("are refused with 2 and a sentence when they are wrong", HANGING, async () => {
    const secret = "a secret with spaces";
    for (const [args, sentence] of [
      [["--nothing"], /^Unknown option '--nothing'[^\n]*\nTo see all options, run: npm run tail -- --help\n$/],
      [["word"], /^Unexpected argument 'word'/],
      [["--url", "ftp://example.com"], /^The URL must be like https:/],
      [["--url", "https://example.com/?a=b"], /^The URL must be like https:/],
      [["--url", "https://user@example.com"], /^The URL must be like https:/],
      [["--token", secret], /^The token must be 1 to 1000 printable ASCII characters/],
      [["--from", "a b"], /--from/],
      [["--format", "csv"], /--format/],
      [["--limit", "0"], /--limit/],
      [["--limit", "1e3"], /--limit/],
      [["--state", ""], /--state/],
      [["--customer", "x"], /--customer/],
      [["--created-from", "yesterday"], /--created-from/],
      [["--message", TOO_LONG], /--message/],
      [TOO_MANY, /^The filters are too many/],
    ] as const) {
      const { code, stdout, stderr } = await world.run(args);
      assert.deepEqual([code, stdout, world.feed.requests.length], [2, "", 0], stderr);
      assert.match(stderr, sentence);
      assert.ok(!stderr.includes(secret));
    }
  });

  it("must name a server and a token, here or in the environment", HANGING, async () => {
    const url = await world.run([], { EDGE_EVENTS_URL: "" });
    const token = await world.run([], { EDGE_EVENTS_TOKEN: "" });
    assert.deepEqual([url.code, token.code], [2, 2]);
    assert.match(url.stderr, /^Give the server with --url or EDGE_EVENTS_URL\.\n/);
    assert.match(token.stderr, /^Give the token with EDGE_EVENTS_TOKEN or --token\.\n/);
  });

  it("may ask for help", HANGING, async () => {
    const { code, stdout } = await world.run(["--help"], { EDGE_EVENTS_URL: "" });
    assert.equal(code, 0);
    assert.match(stdout, /^Usage: npm run --silent tail -- --url URL \[OPTIONS\]\n/);
    assert.match(stdout, /EDGE_EVENTS_TOKEN/);
  });
});

describe("a request of the collector", () => {
  const position = { offset: "-1", isLive: false, cursor: undefined };
  const { signal: never } = new AbortController();
  const source = (url: string) => ({
    url: `${url}/api/events/feed/`,
    token: StandInFeed.TOKEN,
    filters: [],
    timeoutMs: 50,
  });

  it("is given up when nothing arrives", HANGING, async () => {
    world.feed.fault = () => "hang";
    await assert.rejects(ask(source(world.feed.url), position, 1, never), (error) => {
      return error instanceof Again && error.message === "Nothing arrived for 0.05 s";
    });
  });

  it("does not take for messages what is not NDJSON, or without an end", HANGING, async () => {
    for (const [type, body, text] of [
      ["text/html", "<p>Log in</p>", "The answer is text/html and not application/x-ndjson"],
      ["application/x-ndjson", "", "The answer was cut off"],
      ["application/x-ndjson", '{"id":1}\n', "The answer was cut off"],
    ] as const) {
      const answer: RequestListener = (_, response) => response.writeHead(200, { "Content-Type": type }).end(body);
      await answering(answer, (url) => assert.rejects(ask(source(url), position, 1, never), new Again(text)));
    }
  });

  it("that is answered with an earlier offset ends the collector", HANGING, async () => {
    const answer: RequestListener = (_, response) => response.writeHead(204, { "Stream-Next-Offset": "a_1" }).end();
    await answering(answer, (url) =>
      assert.rejects(
        ask(source(url), { ...position, offset: "a_2" }, 1, never),
        /The server has moved the position back, from a_2 to a_1\./,
      ),
    );
  });

  it("that brings more than was asked for is not kept as read", HANGING, async () => {
    const control = '{"op":"control","streamNextOffset":"a_3","upToDate":true}';
    const body = `{"id":1}\n{"id":2}\n{"id":3}\n${control}\n`;
    const answer: RequestListener = (_, response) =>
      response.writeHead(200, { "Content-Type": "application/x-ndjson" }).end(body);
    const done: string[] = [];
    const sink = {
      write: async (messages: readonly Uint8Array[]) =>
        void done.push(...messages.map((one) => Buffer.from(one).toString())),
      save: async (offset: string) => void done.push(offset),
    };
    await answering(answer, (url) => {
      const plan = { source: source(url), offset: undefined, limit: 2, once: false, backOff: new BackOff(1) };
      return follow({ ...plan, tell: assert.fail }, sink, never);
    });
    assert.deepEqual(done, ['{"id":1}', '{"id":2}']);
  });

  it("comes after a pause when the server does not let it wait", HANGING, async () => {
    const pauses: number[] = [];
    const stop = new AbortController();
    const backOff = new BackOff(1, () => {
      pauses.push(world.feed.requests.length);
      if (pauses.length === 5) stop.abort();
      return 0;
    });
    const ring = () => {
      if (stop.signal.aborted) return;
      world.feed.release();
      setImmediate(ring);
    };
    void world.feed.asked((query) => query.get("live") !== null).then(ring);
    const plan = { source: { ...source(world.feed.url), timeoutMs: 10_000 }, offset: undefined, limit: 1, once: false };
    const sink = { write: async () => undefined, save: async () => undefined };
    await follow({ ...plan, backOff, tell: assert.fail }, sink, stop.signal);

    assert.deepEqual(pauses, [2, 3, 4, 5, 6]);
  });
});

/** Uses a server that answers everything in one way. */
async function answering(answer: RequestListener, use: (url: string) => Promise<void>): Promise<void> {
  const server = createServer(answer);
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  try {
    await use(typeof address === "object" ? `http://127.0.0.1:${address?.port}` : "");
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
