import assert from "node:assert/strict";
import { closeSync, openSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Random } from "../support/random.ts";
import { Collecting } from "./collector.ts";
import { type Fault, numbered } from "./stand-in-feed.ts";

/** How often the collector is killed; test/README.md has a command for more. */
const KILLS = Number(process.env.TAIL_KILLS ?? 12);
const SEED = Number(process.env.TAIL_SEED ?? 1);
/** Messages that come in a round. */
const MESSAGES = 400;
const MAX_PAGE = 90;
/** Requests in a round, at most, before the collector is killed. */
const MAX_REQUESTS = 12;
/** That a collector prints in a round, at most, before it is killed. */
const MAX_BYTES = 600_000;
/** Of a long message, in characters. */
const LONG = 120_000;
const FAULTS: readonly Fault[] = ["cut", "cut quietly", "reset", { status: 503 }, { status: 429 }];
/** Ends a test that hangs. */
const HANGING = { timeout: 30_000 + KILLS * 2_000 };

let world: Collecting;
let path: string;

before(async () => {
  world = await Collecting.start();
  path = join(world.folder, "events.ndjson");
  writeFileSync(path, "");
});
after(() => world?.remove());

test(
  `a collector that is killed ${KILLS} times loses nothing and repeats at most its last answer`,
  HANGING,
  async () => {
    const random = new Random(SEED);
    let repeated = 0;
    let broken = 0;
    for (let round = 0; round < KILLS; round++) {
      const known = await stored();
      const begin = printed().ids.length;
      await killed(random);
      const { ids } = printed();
      // A new run goes on from the state, not from anywhere else.
      assert.deepEqual(ids.slice(begin), range(known, ids.length - begin));
      const state = await stored();
      const last = ids.at(-1) ?? 0;
      assert.ok(state <= Math.max(last, known), "nothing is in the state before it is in the file");
      assert.ok(last - state <= MAX_PAGE, "at most one answer is in the file and not in the state");
      repeated += Math.max(0, last - state);
    }
    world.feed.fault = () => undefined;
    await run(["--once"]).ended();

    const { ids, lines } = printed();
    broken = lines - ids.length;
    assert.deepEqual([...new Set(ids)], range(0, world.feed.messages.length));
    assert.ok(broken <= KILLS);
    assert.ok(repeated > 0, "some messages were printed and not in the state when the collector was killed");
    const total = world.feed.messages.length;
    console.log(
      `killed ${KILLS} times: ${total} of ${total} printed, 0 lost, ${repeated} repeated, ${broken} lines broken`,
    );
  },
);

const range = (after: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => after + 1 + index);

/** The collector, with its output at the end of the file. */
function run(args: readonly string[]) {
  const output = openSync(path, "a");
  const collector = world.begin(["--state", world.state, ...args], output);
  closeSync(output);
  return collector;
}

/** Runs the collector against a server that fails as it likes, and kills it during or after one of its requests. */
async function killed(random: Random): Promise<void> {
  const { feed } = world;
  const requests = 1 + random.int(MAX_REQUESTS);
  const size = sizeOf(path) + 1 + random.int(MAX_BYTES);
  let count = 0;
  let isOver = false;
  feed.append(...more(random, random.int(MESSAGES)));
  feed.fault = (query) => {
    feed.pageSize = 1 + random.int(MAX_PAGE);
    isOver = ++count >= requests || query.get("live") !== null;
    return random.oneIn(3) ? random.pick(FAULTS) : undefined;
  };
  const collector = run([]);
  // Some are killed when they ask, others while they print or save.
  while (!isOver && sizeOf(path) < size) await new Promise(setImmediate);
  if (random.oneIn(2)) feed.append(...more(random, random.int(MAX_PAGE)));
  collector.kill("SIGKILL");
  await collector.ended();
}

const sizeOf = (file: string): number => statSync(file).size;

/** New messages, some of which take long to write. */
function more(random: Random, count: number): string[] {
  const texts = numbered(world.feed.messages.length + 1, count);
  return texts.map((text) => (random.oneIn(40) ? text.replace("Event", "Event".padEnd(LONG, "!")) : text));
}

/** The ids of all whole lines in the file. */
function printed(): { ids: number[]; lines: number } {
  const lines = readFileSync(path, "utf8").split("\n").slice(0, -1);
  return { ids: lines.flatMap((line) => idOf(line) ?? []), lines: lines.length };
}

function idOf(line: string): number | undefined {
  try {
    return JSON.parse(line).id;
  } catch {
    return undefined;
  }
}

/** How far the collector has come by its state; 0 before it has one. */
async function stored(): Promise<number> {
  const state = await world.stored().catch(() => undefined);
  return Number(state?.offset?.split("_")[0] ?? 0);
}
