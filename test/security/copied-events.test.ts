import { describe, expect, it } from "vitest";
import { deliver } from "../support/batch.ts";
import { hook, queuedBy, rows } from "../support/ingest.ts";

const INGEST_SECRETS = JSON.stringify({
  honest: ["s"],
  stranger: ["s"],
  upstream: { secrets: ["s"], is_upstream: true },
});

const UUID = "0b5c1a4e000040008000000000000001";
const OTHER = "0b5c1a4e000040008000000000000002";

/** Sends events without delivering them; returns the messages for the queue. */
const post = (producer: string, ...events: object[]) => queuedBy(producer, INGEST_SECRETS, ...events);

const send = async (producer: string, ...events: object[]) => deliver(await post(producer, ...events));
const uuids = async () => (await rows("events")).map(({ uuid }) => uuid);

describe("a stranger that sends a copy of upstream's event before upstream", () => {
  it("never renames the event afterwards, nor has it stored again", async () => {
    await send("stranger", hook());
    const before = await uuids();
    await send("upstream", hook());
    await send("stranger", hook({ uuid: OTHER }));
    await send("upstream", hook());

    expect(await uuids()).toEqual(before);
  });

  it.each(["at the same moment", "earlier"])(
    "with the same uuid, %s, never has it stored beside the copies that others send",
    async (when) => {
      const [copy, original] = [
        await post("stranger", hook({ uuid: UUID })),
        await post("upstream", hook({ uuid: UUID })),
      ];
      for (const bodies of when === "earlier" ? [copy, original] : [[...copy, ...original]]) await deliver(bodies);
      await send("honest", hook());
      await send("honest", hook({ uuid: OTHER }));

      expect(await uuids()).toEqual([UUID]);
    },
  );
});

it("a stranger that has taken a uuid twice never keeps it from the event of upstream", async () => {
  await send("honest", hook({ uuid: UUID }));
  await send("stranger", hook({ uuid: UUID, message: "Gets another uuid" }));
  await send("upstream", hook({ uuid: OTHER }));
  await send("stranger", hook({ uuid: UUID, message: "Gets the uuid that is free now" }));
  const original = await post("upstream", hook({ uuid: UUID, message: "The true one" }));
  for (let round = 0; round < 2; round++) await deliver(original);

  const stored = (await rows("events")).map(({ uuid, message }) => [message, uuid]);
  expect(Object.fromEntries(stored)).toMatchObject({ "The true one": UUID, [hook().message]: OTHER });
  expect(stored).toHaveLength(4);
  expect(await rows("dead_letters")).toEqual([]);
});
