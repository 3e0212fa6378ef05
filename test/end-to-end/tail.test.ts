import assert from "node:assert/strict";
import { closeSync, openSync } from "node:fs";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { Collecting } from "./collector.ts";
import { type Fault, numbered } from "./stand-in-feed.ts";

const HANGING = { timeout: 30_000 };

describe("npm run tail", () => {
  let world: Collecting;

  beforeEach(async () => {
    world = await Collecting.start();
  });
  afterEach(() => world?.remove());

  it("prints each message of the log once and in its order, and then what is new", HANGING, async () => {
    const { feed } = world;
    feed.append(...numbered(1, 2_500));
    const collector = world.begin([]);
    await collector.hasPrinted('"id":2500');
    feed.append(...numbered(2_501, 2));
    await collector.hasPrinted('"id":2502');
    await feed.asked((query) => query.get("live") !== null && query.get("offset") === feed.offsetAfter(2_502));
    feed.release();
    feed.append(...numbered(2_503, 1));
    await collector.hasPrinted('"id":2503');

    assert.deepEqual(collector.lines, numbered(1, 2_503));
    assert.deepEqual(
      feed.requests.slice(0, 4).map((query) => [query.get("offset"), query.get("limit"), query.get("live")]),
      [
        ["-1", "1000", null],
        [feed.offsetAfter(1_000), "1000", null],
        [feed.offsetAfter(2_000), "1000", null],
        [feed.offsetAfter(2_500), "1000", "long-poll"],
      ],
    );
    assert.equal(collector.stderr, "");
  });

  it("prints numbers and texts of messages as the server wrote them", HANGING, async () => {
    const exact = '{"id":1,"context":{"n":12345678901234567890,"d":1.10,"e":1E400,"s":"\\u00e9é\\/"},"message":"a"}';
    world.feed.append(exact);

    const { lines } = await world.run(["--once"]);
    assert.deepEqual(lines, [exact]);
  });

  it("prints lines for people, which move no cursor", HANGING, async () => {
    const event = { id: 1, created: "2026-01-01T00:00:00Z", event_type: "user_activated" };
    world.feed.append(JSON.stringify({ ...event, message: "\u001b[2Ja\nb" }), '{"op":"removed","id":1,"uuid":"u"}');

    const { lines } = await world.run(["--once", "--format", "pretty"]);
    assert.deepEqual(lines, ["2026-01-01T00:00:00Z  user_activated  \\u001b[2Ja\\nb", "removed  u"]);
  });

  it("begins where it is told, and ends after as many messages", HANGING, async () => {
    world.feed.append(...numbered(1, 20));

    const middle = await world.run(["--from", world.feed.offsetAfter(5), "--limit", "3", "--state", world.state]);
    const rest = await world.run(["--once", "--state", world.state]);
    const all = await world.run(["--once", "--state", world.state, "--from", "beginning"]);
    assert.deepEqual([middle.lines, rest.lines, all.lines], [numbered(6, 3), numbered(9, 12), numbered(1, 20)]);
    assert.deepEqual([middle.code, rest.code, all.code], [0, 0, 0]);
  });

  it("begins with what comes after now", HANGING, async () => {
    world.feed.append(...numbered(1, 20));
    const collector = world.begin(["--from", "now"]);
    await world.feed.asked((query) => query.get("live") !== null);
    world.feed.append(...numbered(21, 1));

    await collector.hasPrinted('"id":21');
    assert.deepEqual(collector.lines, numbered(21, 1));
  });

  it("sends the filters as the list knows them", HANGING, async () => {
    const uuid = "E7CFDB9B-9F7B-49BC-98D0-D3CFAC192C2C";
    const objects = ["--customer", uuid, "--user", uuid, "--message", "a & b=c"];
    const { code } = await world.run([
      ...["--once", "--type", "user_activated", "--type", "user_deactivated", "--feature", "users", ...objects],
      ...["--created-from", "2026-07-01", "--created-to", "1782864001"],
    ]);

    assert.equal(code, 0);
    const filters = [...(world.feed.requests[0] ?? [])].filter(([name]) => !["offset", "limit"].includes(name));
    const own = "e7cfdb9b9f7b49bc98d0d3cfac192c2c";
    assert.deepEqual(filters.sort(), [
      ["created_from", "1782864000"],
      ["created_to", "1782864001"],
      ["customer_uuid", own],
      ["event_type", "user_activated"],
      ["event_type", "user_deactivated"],
      ["feature", "users"],
      ["message", "a & b=c"],
      ["user_uuid", own],
    ]);
  });

  it("goes on after each failure that passes, and says so", HANGING, async () => {
    const { feed } = world;
    feed.append(...numbered(1, 50));
    feed.pageSize = 10;
    const date = new Date(0).toUTCString();
    const faults: (Fault | undefined)[] = [
      ...(["cut", undefined, "cut quietly", "reset", { status: 503 }, { status: 500 }] as const),
      ...[
        { status: 429, headers: { "Retry-After": "0" } },
        { status: 502, headers: { "Retry-After": date } },
      ],
    ];
    feed.fault = () => faults.shift();

    const { code, lines, stderr } = await world.run(["--once"]);
    assert.deepEqual([code, lines], [0, numbered(1, 50)]);
    const texts = stderr
      .trimEnd()
      .split("\n")
      .map((line) => line.replace(/ (\(.*\)|Trying again in \d\.\d s\.)/g, ""));
    assert.match(texts.shift() ?? "", /^The connection failed/);
    assert.equal(texts.shift(), "The server answers again.");
    assert.equal(texts.shift(), "The answer was cut off.");
    assert.match(texts.shift() ?? "", /^The connection failed/);
    assert.deepEqual(texts, [
      ...["The server answered 503.", "The server answered 500.", "The server answered 429."],
      ...["The server answered 502.", "The server answers again."],
    ]);
  });

  it("waits as long as the server asks", HANGING, async () => {
    world.feed.fault = () => ({ status: 429, headers: { "Retry-After": "1800" } });
    const collector = world.begin([]);
    await collector.hasPrinted("Trying again in 1800.0 s");
    collector.kill("SIGTERM");

    assert.equal(await collector.ended(), 0);
    assert.equal(world.feed.requests.length, 1);
  });

  it("ends where no repetition helps, with a sentence", HANGING, async () => {
    for (const [status, sentence, exitCode] of [
      [400, 'The server refuses the request (400): {"detail":"No."}', 1],
      [401, 'The server does not know the token (401): {"detail":"No."}', 1],
      [403, 'The token may not read this feed (403): {"detail":"No."}', 1],
      [302, 'The server does not answer as a feed does (302): {"detail":"No."}', 1],
      [410, 'The server no longer has what follows the position (410): {"detail":"No."}', 3],
    ] as const) {
      world.feed.fault = () => ({ status, headers: { Location: "/elsewhere" } });
      const { code, stdout, stderr } = await world.run(["--state", world.state]);
      assert.deepEqual([code, stdout, stderr.split("\n")[0]], [exitCode, "", sentence]);
      assert.equal(stderr.includes("--from beginning"), status === 410);
    }
  });

  it("keeps its state when the server no longer has what follows, and begins again when told", HANGING, async () => {
    world.feed.append(...numbered(1, 20));
    await world.run(["--limit", "5", "--state", world.state]);
    world.feed.retained = 10;
    const before = await world.stored();

    assert.equal((await world.run(["--once", "--state", world.state])).code, 3);
    assert.deepEqual(await world.stored(), before);
    const again = await world.run(["--once", "--state", world.state, "--from", "beginning"]);
    assert.deepEqual([again.code, again.lines], [0, numbered(11, 10)]);
  });

  it("writes a state for its owner alone, and leaves nothing else in the folder", HANGING, async () => {
    world.feed.append(...numbered(1, 3));

    await world.run(["--once", "--state", world.state]);
    assert.equal((await stat(world.state)).mode & 0o777, 0o600);
    const { offset, url, filter, ...more } = await world.stored();
    assert.deepEqual([offset, url, more], [world.feed.offsetAfter(3), `${world.feed.url}/api/events/feed/`, {}]);
    assert.match(filter ?? "", /^[0-9a-f]{64}$/);
  });

  it("begins a new line in a file where a collector was killed in the middle of one", HANGING, async () => {
    world.feed.append(...numbered(1, 2));
    const path = join(world.folder, "events.ndjson");
    for (const before of ["", '{"id":0}\n', '{"id":0,"mess']) {
      await writeFile(path, before);
      const output = openSync(path, "a");
      assert.equal(await world.begin(["--once"], output).ended(), 0);
      closeSync(output);
      const expected = [before.trimEnd(), ...numbered(1, 2)].filter((line) => line !== "");
      assert.equal(await readFile(path, "utf8"), `${expected.join("\n")}\n`);
    }
  });
});
