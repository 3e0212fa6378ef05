import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { rows } from "../support/ingest.ts";
import { aPerson } from "../support/people.ts";
import { Random } from "../support/random.ts";
import { emptyStorage } from "../support/storage.ts";
import { anEvent, recorded } from "../support/world.ts";
import { backedUp, MemoryStore, restored, SCHEMA } from "./memory.ts";

const SEED = 20_261_125;
const TRIES = 60;

let backup: MemoryStore;

beforeEach(async () => {
  await aPerson({ staff: true });
  await recorded(...Array.from({ length: 20 }, () => anEvent()));
  await env.DB.exec("DELETE FROM events WHERE id = 7");
  backup = await backedUp({ partBytes: 2_000 });
  await emptyStorage();
});

/** The backup with another content or manifest. */
function altered(change: {
  content?: Uint8Array;
  manifest?: (manifest: Record<string, unknown>) => unknown;
}): MemoryStore {
  const store = new MemoryStore();
  store.content = new Uint8Array(change.content ?? backup.content);
  const manifest = JSON.parse(backup.manifest ?? "");
  store.manifest = JSON.stringify(change.manifest?.(manifest) ?? manifest);
  return store;
}

const expectNothingWritten = async () => {
  expect(await rows("events")).toEqual([]);
  expect(await rows("users")).toEqual([]);
  expect(await rows("commit_watermark")).toMatchObject([{ last_change: 0, deletes_period: 0 }]);
};

const text = () => new TextDecoder().decode(backup.content);
const bytes = (content: string) => new TextEncoder().encode(content);
const lines = () => text().trimEnd().split("\n");

describe("before anything is written, a restore refuses a backup", () => {
  it("that was cut anywhere", async () => {
    const random = new Random(SEED);
    for (let tried = 0; tried < TRIES; tried++) {
      const content = backup.content.slice(0, random.int(backup.content.length));
      await expect(restored(altered({ content }))).rejects.toThrow(
        /^The backup was cut: it has \d+ bytes of complete lines, and its manifest says \d+\.$/,
      );
    }
    await expectNothingWritten();
  });

  it("of which any byte was altered", async () => {
    const random = new Random(SEED);
    for (let tried = 0; tried < TRIES; tried++) {
      const content = backup.content.slice();
      const place = random.int(content.length);
      content[place] = (content[place] ?? 0) ^ (1 << random.int(8));
      await expect(restored(altered({ content }))).rejects.toThrow(
        /altered|cut|is no line of a backup|of the backup (is|has|comes)/,
      );
    }
    await expectNothingWritten();
  });

  it.each<[what: string, problem: RegExp, content: () => string]>([
    ["without a line", /altered: part 1, from byte 0 on/, () => lines().toSpliced(3, 1).join("\n")],
    [
      "with a line twice",
      /Line 5 .* not in the order of the log/,
      () =>
        lines()
          .toSpliced(4, 0, lines()[3] ?? "")
          .join("\n"),
    ],
    ["with two lines the other way round", /not in the order of the log/, () => swapped(lines(), 3).join("\n")],
    ["with lines after its end", /comes after its end/, () => [...lines(), lines()[3]].join("\n")],
    [
      "with another header",
      /is another header/,
      () =>
        lines()
          .toSpliced(3, 0, lines()[0] ?? "")
          .join("\n"),
    ],
    ["with one more key", /no line of a backup/, () => text().replace('"op":"event"', '"more":1,"op":"event"')],
    [
      "of a table that nobody knows",
      /does not know/,
      () => text().replace('"table":"users"', '"table":"sqlite_master"'),
    ],
    ["with a column that nobody knows", /does not know/, () => text().replace('"username":', '"user_name":')],
    ["with an endless line", /longer than a line/, () => "a".repeat(2_100_000)],
    ["that is HTML", /Line 1 is no line of a backup/, () => "<html>\n</html>"],
    ["that has an empty line", /Line 1 is no line of a backup/, () => ""],
  ])("%s", async (_, problem, content) => {
    await expect(restored(altered({ content: bytes(`${content()}\n`) }))).rejects.toThrow(problem);
    await expectNothingWritten();
  });

  it.each<[what: string, problem: RegExp, manifest: (manifest: Record<string, unknown>) => unknown]>([
    ["has other counts", /"rows" differs/, (manifest) => ({ ...manifest, rows: { users: 2 } })],
    ["has another digest", /"sha256" differs/, (manifest) => ({ ...manifest, sha256: "0".repeat(64) })],
    [
      "has another log",
      /"log" differs/,
      (manifest) => ({ ...manifest, log: { ...(manifest.log as object), last: 99 } }),
    ],
    ["has fewer parts", /altered/, (manifest) => ({ ...manifest, parts: [] })],
    [
      "is of a later version",
      /later version \(9999_later.sql\)/,
      (manifest) => ({ ...manifest, schema: "9999_later.sql" }),
    ],
    ["is of another version", /another schema/, (manifest) => ({ ...manifest, schema: "0000_first.sql" })],
    ["is of another format", /manifest of the backup cannot be read/, (manifest) => ({ ...manifest, format: 2 })],
    ["is an array", /manifest of the backup cannot be read/, () => []],
  ])("whose manifest %s", async (_, problem, manifest) => {
    await expect(restored(altered({ manifest }))).rejects.toThrow(problem);
    await expectNothingWritten();
  });

  it("that has no manifest, as it is not complete", async () => {
    const store = altered({});
    store.manifest = undefined;
    await expect(restored(store)).rejects.toThrow(
      "memory has no manifest: the backup is not complete. To complete it, run backup again with the same name.",
    );
  });

  it("of a schema that the database does not have yet", async () => {
    await expect(restored(backup, { schema: "0020_feed.sql" })).rejects.toThrow(
      `The backup is of a later version (${SCHEMA}) than the database (0020_feed.sql): apply the migrations first.`,
    );
  });
});

it("a backup that is altered between the check and the writing does not become a log", async () => {
  const content = lines();
  let reads = 0;
  const store = altered({});
  const read = store.read.bind(store);
  store.read = async function* () {
    reads += 1;
    if (reads === 2) store.content = bytes(`${content.toSpliced(3, 1).join("\n")}\n`) as typeof store.content;
    yield* read();
  };

  await expect(restored(store)).rejects.toThrow("The backup was altered");

  await expect(rows("commit_watermark")).rejects.toThrow("no such table");
});

const swapped = (all: readonly string[], at: number): string[] => [
  ...all.slice(0, at),
  ...all.slice(at, at + 2).toReversed(),
  ...all.slice(at + 2),
];
