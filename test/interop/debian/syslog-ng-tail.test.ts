import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, it } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { numbered, StandInFeed } from "../../end-to-end/stand-in-feed.ts";
import { debianProgram, Program } from "./programs.ts";

const SYSLOG_NG = debianProgram("syslog-ng", "syslog-ng-core");
const ROOT = resolve(import.meta.dirname, "../../..");
const README = join(ROOT, "src/cli/tail/README.md");
const HANGING = { timeout: 120_000 };
const POLL_MS = 50;
/** Of a message that is longer than syslog-ng takes unless told, in characters. */
const LONG = 200_000;

let folder: string;
let feed: StandInFeed;
const running: Program[] = [];

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "syslog-ng-tail-"));
  feed = await StandInFeed.start();
  await writeFile(join(folder, "conf"), await configuration());
  const variables = { EDGE_EVENTS_URL: feed.url, EDGE_EVENTS_TOKEN: StandInFeed.TOKEN, EDGE_EVENTS_BACK_OFF_MS: "1" };
  const lines = Object.entries(variables).map(([name, value]) => `${name}=${value}\n`);
  await writeFile(join(folder, "collector.env"), lines.join(""), { mode: 0o600 });
});

after(async () => {
  for (const program of running) await program.stop();
  await feed?.stop();
  if (folder !== undefined) await rm(folder, { recursive: true });
});

/** The configuration in the README, for our folders. */
async function configuration(): Promise<string> {
  const [, text = ""] = /^```syslog-ng\n([\s\S]*?)^```/m.exec(await readFile(README, "utf8")) ?? [];
  const folders = {
    "/opt/edge-events": ROOT,
    "/etc/edge-events": folder,
    "/var/lib/edge-events": folder,
    "/var/log": folder,
  };
  return Object.entries(folders).reduce((changed, [from, to]) => {
    assert.ok(changed.includes(from), `The README has no ${from}.`);
    return changed.replaceAll(from, to);
  }, text);
}

function start(): Program {
  const files = ["-f", "conf", "-R", "persist", "-c", "control", "-p", "pid"].map((word) =>
    word.startsWith("-") ? word : join(folder, word),
  );
  const program = new Program(SYSLOG_NG, ["--foreground", "--no-caps", "--stderr", ...files]);
  running.push(program);
  return program;
}

/** The archive, once it has so many lines. */
async function archived(count: number): Promise<string[]> {
  for (;;) {
    const text = await readFile(join(folder, "edge-events.ndjson"), "utf8").catch(() => "");
    const lines = text.split("\n").slice(0, -1);
    if (lines.length >= count) return lines;
    await wait(POLL_MS);
  }
}

it(
  "messages reach the archive of syslog-ng, whole and once, also those that come while it is down",
  HANGING,
  async () => {
    const long = JSON.stringify({ id: 1_501, n: "9007199254740993", message: `Õ "x" \\ ${"y".repeat(LONG)}` });
    feed.append(...numbered(1, 1_500), long.replace('"9007199254740993"', "9007199254740993"));
    const first = start();
    assert.deepEqual(await archived(1_501), feed.messages);
    // The collector has saved its state before it asks for what comes after it.
    await feed.asked((query) => query.get("live") !== null);
    await first.stop();
    feed.append(...numbered(1_502, 500));
    start();

    assert.deepEqual(await archived(2_001), feed.messages);
  },
);
