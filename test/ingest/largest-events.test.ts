import { expect, it } from "vitest";
import { MAX_EVENT_BYTES } from "../../src/ingest/event.ts";
import { deliver } from "../support/batch.ts";
import { hook, queued } from "../support/ingest.ts";
import { aPerson } from "../support/people.ts";
import { Random } from "../support/random.ts";
import { messages, query } from "../support/world.ts";

const text = (letters: number[]) => String.fromCodePoint(...letters);

/** Letters of an alphabet in an order without repetition, where there are enough of them; `gap` between any two. */
function different(count: number, [first, last]: readonly [number, number], gap = ""): string {
  const random = new Random(first);
  const all = random.shuffled(Array.from({ length: last - first }, (_, index) => first + index));
  const letters = Array.from({ length: count }, (_, index) => all[index] ?? first + random.int(last - first));
  return gap === "" ? text(letters) : letters.map((letter) => text([letter])).join(gap);
}

/** As many letters as one event can have of each kind, with the most terms: the database must take them in one value. */
const WORST: [string, string][] = [
  ["of one byte", different(64_500, [0x23, 0x5b])],
  ["of two bytes", different(32_000, [0x400, 0x800])],
  ["of three bytes", different(20_900, [0x4e00, 0x9fff])],
  ["of four bytes", different(16_000, [0x20000, 0x2a6d0])],
  ["of three bytes between spaces", different(16_000, [0x4e00, 0x9fff], " ")],
  ["of two bytes between spaces", different(21_000, [0x100, 0x800], " ")],
  ["that become three in upper case", different(32_000, [0x390, 0x3ce]).replaceAll("\u0391", "\u0390")],
  ["that are escaped", different(32_000, [0x20, 0x7f], "\t").slice(0, 30_000)],
];

it.each(WORST)(
  "the largest event of letters %s is stored with all its terms, and found by any part of it",
  async (_, message) => {
    const { token } = await aPerson({ staff: true });
    const event = hook({ message, context: {} });
    const bytes = new TextEncoder().encode(JSON.stringify(event)).byteLength;
    expect([bytes > MAX_EVENT_BYTES * 0.6, bytes <= MAX_EVENT_BYTES]).toEqual([true, true]);
    expect(await deliver(await queued(event, hook({ message: "Another" })))).toEqual(["acked"]);
    for (const length of [1, 2, 3, 30]) {
      const part = [...message].slice(9_000, 9_000 + length).join("");
      expect(await messages(token, query(["message", part]))).toEqual([message]);
    }
  },
);
