import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { parse } from "csv-parse/sync";
import { Program } from "./debian/programs.ts";
import { AUTHORIZATION, FeedServer, type Listed } from "./feed-server.ts";

const HANGING = { timeout: 120_000 };
const EVENTS = 1_200;
const FORMULAS = ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r\n=1", "\n=1", "＝1"];
const TEXTS = ['a,b;"c"', 'line\nline\r\nline "', " x ", "'x", "\u{1F600} Õ", "\u2028", "x=1", '"', ",", "\u00a0"];
const PYTHON =
  "import csv, json, sys; print(json.dumps(list(csv.reader(open(sys.argv[1], newline='', encoding='utf-8')))))";
const run = promisify(execFile);

let server: FeedServer;
let folder: string;
let listed: Listed[];
before(async () => {
  [server, folder] = [await FeedServer.start(), await mkdtemp(join(tmpdir(), "edge-events-files-"))];
  await server.produce(EVENTS);
  const messages = [...FORMULAS, ...TEXTS];
  await server.store(
    ...messages.map((message) => ({ event_type: "curl.table", message, context: { user_username: message } })),
  );
  listed = await server.listed();
});
after(async () => {
  await server?.remove();
  await rm(folder, { recursive: true, force: true });
});

/** The arguments of curl for the feed. */
const feed = (query: string, ...args: readonly string[]) => [
  ...["-sS", "--fail", "-H", `Authorization: ${AUTHORIZATION}`],
  ...[...args, `${server.url}?${query}`],
];

/** Lets curl name and save a file, and returns its path and its text. */
async function saved(accept: string, query = ""): Promise<{ path: string; text: string }> {
  const own = await mkdtemp(join(folder, "saved-"));
  await run("curl", feed(`download=1&${query}`, "-OJ", "-H", `Accept: ${accept}`), { cwd: own });
  const [name = "", ...others] = await readdir(own);
  assert.deepEqual([name, others], [accept === "text/csv" ? "events.csv" : "events.ndjson", []]);
  return { path: join(own, name), text: await readFile(join(own, name), "utf8") };
}

describe("curl", HANGING, () => {
  it("-N prints an event of a stream when it is stored", async () => {
    const curl = new Program("curl", feed("offset=now&live=sse&field=message", "-N"));
    await curl.hasPrinted("event: control\n");
    await server.store({ event_type: "curl.stream", message: "Now." });
    await curl.hasPrinted('"message":"Now."}]\n\nevent: control\n');
    await curl.stop();
  });

  it("-OJ saves an export as lines of JSON, with its name: the events of the list, and where to go on", async () => {
    const lines = (await saved("application/x-ndjson")).text.trimEnd().split("\n");
    const messages = lines.map((line) => JSON.parse(line) as Listed & { op?: string; streamNextOffset?: string });
    const end = messages.pop();
    assert.deepEqual(messages.slice(0, listed.length), listed);
    assert.equal(end?.op, "control");

    const { text } = await saved("application/x-ndjson", `offset=${end?.streamNextOffset}`);
    assert.deepEqual(text.trimEnd().split("\n"), [lines.at(-1)]);
  });
});

describe("a table that curl has saved", HANGING, () => {
  /** What a table has of an event: an apostrophe before what a spreadsheet would compute. */
  const inert = (text: string) => (FORMULAS.includes(text) ? `'${text}` : text);
  const rows = () =>
    listed.map(({ id, uuid, created, event_type, message, context }) => [
      ...["event", String(id), uuid, created, event_type, inert(message)],
      JSON.stringify(context),
    ]);

  for (const [name, read] of [
    ["csv-parse", async ({ text }: { text: string }) => parse(text)],
    [
      "Python",
      async ({ path }: { path: string }) => JSON.parse((await run("python3", ["-c", PYTHON, path], BIG)).stdout),
    ],
  ] as const) {
    it(`has the same events for ${name}, and formulas as text`, async () => {
      const [header, ...records] = (await read(await saved("text/csv"))) as string[][];
      assert.deepEqual(header, ["op", "id", "uuid", "created", "event_type", "message", "context"]);
      assert.deepEqual(records.slice(0, listed.length), rows());
      assert.deepEqual([records.at(-1)?.[0], records.at(-1)?.slice(2)], ["end", ["", "", "", "", ""]]);
    });
  }
});

/** Bytes that a program may print. */
const BIG = { maxBuffer: 64 * 1024 * 1024 };
