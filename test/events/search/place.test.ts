import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { inOrder, type Key, parseKeys, partsOf, printKeys } from "../../../src/events/search/keys.ts";
import { locate, pick, type Wanted } from "../../../src/events/search/place.ts";

/** Few times, so that many events share one; ids are in the order of arrival. */
const log = fc
  .array(fc.integer({ min: -4, max: 9 }), { maxLength: 60 })
  .map((times) => times.map((created, index): Key => ({ created, id: index + 1 })));

const orders = fc.record({ descends: fc.boolean(), idsDescend: fc.boolean() });

/** The matches counted in windows of so many ids, in parts of so many matches. */
function counted(keys: readonly Key[], window: number, most: number) {
  const windows = Math.ceil(keys.length / window);
  return Array.from({ length: windows }, (_, index) =>
    partsOf(keys.slice(index * window, (index + 1) * window), (index + 1) * window, most),
  ).flat();
}

describe("the parts of the matches", () => {
  it("have all matches, each once, and no more than they may", () => {
    fc.assert(
      fc.property(log, fc.integer({ min: 1, max: 7 }), (keys, most) => {
        const parts = partsOf(keys, 60, most);
        const found = parts.flatMap(({ text = "" }) => parseKeys(text));

        expect(found).toEqual([...keys].sort(inOrder({ descends: false, idsDescend: false })));
        for (const { n } of parts) expect(n).toBeLessThanOrEqual(most);
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  it("are written and read without a loss", () => {
    fc.assert(
      fc.property(log, (keys) => {
        expect(parseKeys(printKeys(keys))).toEqual(keys);
      }),
      { numRuns: 100, seed: 1 },
    );
  });

  it("take at most 14 bytes each while a search is counted", () => {
    const keys = Array.from({ length: 5_000 }, (_, index) => ({
      created: 1.75e15 + index * 47_300_007,
      id: index * 9 + 1,
    }));

    const held = partsOf(keys, 50_000).map((part) => JSON.stringify(part).length);

    expect(held.reduce((sum, bytes) => sum + bytes)).toBeLessThan(14 * keys.length);
  });

  it("lead to the wanted matches, after any number of matches or any place, in every order", () => {
    const questions = fc.record({
      keys: log,
      window: fc.integer({ min: 1, max: 30 }),
      most: fc.integer({ min: 1, max: 7 }),
      order: orders,
      skip: fc.nat({ max: 70 }),
      limit: fc.integer({ min: 1, max: 9 }),
      after: fc.option(fc.record({ created: fc.integer({ min: -5, max: 10 }), id: fc.nat({ max: 61 }) })),
    });
    fc.assert(
      fc.property(questions, ({ keys, window, most, order, skip, limit, after }) => {
        const wanted: Wanted = after === null ? { order, skip, limit } : { order, skip: 0, limit, after };
        const compare = inOrder(order);
        const ahead = after === null ? keys : keys.filter((key) => compare(key, after) > 0);
        const expected = [...ahead].sort(compare).slice(wanted.skip, wanted.skip + limit);

        const { parts, before } = locate(counted(keys, window, most), wanted);

        expect(
          pick(
            parts.flatMap(({ text = "" }) => parseKeys(text)),
            wanted,
            before,
          ),
        ).toEqual(expected);
      }),
      { numRuns: 3_000, seed: 1 },
    );
  });

  it("that are read for a page are two at most, where events arrived in their order", () => {
    const keys = Array.from({ length: 1_000 }, (_, index): Key => ({ created: index, id: index + 1 }));
    const parts = counted(keys, 250, 25);
    for (const descends of [false, true]) {
      for (let skip = 0; skip < 1_000; skip += 7) {
        expect(locate(parts, { order: { descends, idsDescend: false }, skip, limit: 10 }).parts.length).toBeLessThan(3);
        const after = { created: skip, id: skip + 1 };
        const next = locate(parts, { order: { descends, idsDescend: false }, skip: 0, limit: 10, after });
        expect(next.parts.length).toBeLessThan(3);
      }
    }
  });
});
