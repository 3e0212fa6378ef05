import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { type Written, writeEvents } from "../../src/ingest/write.ts";
import { rows } from "../support/ingest.ts";
import { anEvent, hex } from "../support/world.ts";

const CREATED = 1_750_000_000_000_000;

type Sent = ReturnType<typeof anEvent>;

/** An event of one content, by its number, with an id or without. */
const sent = (producer: string, id?: string, content = "content") =>
  anEvent({
    created: CREATED,
    message: content,
    producer,
    isUpstream: producer === "waldur",
    ...(id === undefined ? { uuid: hex(content) } : { uuid: hex(id), content: hex(content) }),
  });

const write = (events: readonly Sent[]): Promise<Written<{ event: Sent; replay: boolean }>> =>
  writeEvents(
    env.DB,
    events.map((event) => ({ event, replay: false })),
    0,
  );

const uuids = async () => (await rows("events")).map(({ uuid }) => uuid);

describe("an event of upstream absorbs the same event of others in the same transaction,", () => {
  it.each([
    ["upstream's first", () => [sent("waldur", "theirs"), sent("other", "ours")]],
    ["the other's first", () => [sent("other", "ours"), sent("waldur", "theirs")]],
  ])("both with an id, %s", async (_, batch) => {
    await write(batch());
    expect(await uuids()).toEqual([hex("theirs")]);
  });

  it.each([
    ["upstream's first", () => [sent("waldur"), sent("other", "ours")]],
    ["the other's first", () => [sent("other", "ours"), sent("waldur")]],
  ])("the other's with an id, %s", async (_, batch) => {
    await write(batch());
    expect(await uuids()).toEqual([hex("content")]);
  });

  it("and whatever comes again changes nothing", async () => {
    const batch = [sent("other", "ours"), sent("third"), sent("waldur", "theirs"), sent("waldur")];
    await write(batch);
    await write([...batch].reverse());
    expect(await uuids()).toEqual([hex("theirs")]);
  });
});

describe("of events with one uuid, each is counted once", () => {
  const numbers = () =>
    env.DB.prepare("SELECT accepted, stored, duplicates FROM ingest_days WHERE producer = 'other'").first();

  it("when upstream has sent all of them", async () => {
    const contents = ["a", "b", "c", "d"];
    await write(contents.map((content) => sent("waldur", `theirs ${content}`, content)));

    const { stored, duplicates } = await write(contents.map((content) => sent("other", "ours", content)));

    expect([stored, duplicates]).toEqual([0, 4]);
    expect(await numbers()).toEqual({ accepted: 4, stored: 0, duplicates: 4 });
  });

  it("when one of them is stored, and a conflict comes before it", async () => {
    await write([sent("other", "ours", "a")]);

    const { failures, duplicates } = await write([sent("other", "ours", "b"), sent("other", "ours", "a")]);

    expect([[...failures.values()].map(({ reason }) => reason), duplicates]).toEqual([["conflict"], 1]);
    expect(await numbers()).toEqual({ accepted: 1, stored: 1, duplicates: 0 });
  });
});
