import { inOrder, type Key, type Order, type Part } from "./keys.ts";

/** The wanted matches, in an order: `limit` after the first `skip`, or after the place `after`. */
export interface Wanted {
  order: Order;
  skip: number;
  limit: number;
  after?: Key | undefined;
}

/** The parts of a search that may have wanted matches. */
export interface Place {
  parts: readonly Part[];
  /** Matches in parts that have only matches before the wanted ones. */
  before: number;
}

/**
 * The parts to read for the wanted matches. Parts of one window follow each other in time; those of different windows may
 * overlap, where events arrived late. So few are read when most events arrived in their order.
 */
export function locate(all: readonly Part[], { order, skip, limit, after }: Wanted): Place {
  const compare = inOrder(order);
  const ends = all.map((part) => ({ part, n: part.n, first: firstOf(part, order), last: lastOf(part, order) }));
  const ahead = after === undefined ? ends : ends.filter(({ last }) => compare(last, after) > 0);
  const certain = after === undefined ? ahead : ahead.filter(({ first }) => compare(first, after) > 0);
  const startingUpTo = running(ahead, ({ first }) => first, compare);
  const endingUpTo = running(certain, ({ last }) => last, compare);
  const [passed, rest] = divide(ahead, ({ last }) => skip > 0 && startingUpTo(last, true) <= skip);
  const near = rest.filter(({ first }) => endingUpTo(first, false) < skip + limit);
  return { parts: near.map(({ part }) => part), before: passed.reduce((sum, { n }) => sum + n, 0) };
}

/** The wanted matches, from the keys of the parts of their place. */
export function pick(keys: readonly Key[], { order, skip, limit, after }: Wanted, before: number): Key[] {
  const compare = inOrder(order);
  const ahead = after === undefined ? [...keys] : keys.filter((key) => compare(key, after) > 0);
  return ahead.sort(compare).slice(skip - before, skip - before + limit);
}

/** No match of the part comes earlier in this order. Its ids say something only where it has a single time. */
const firstOf = (part: Part, { descends, idsDescend }: Order): Key => ({
  created: descends ? part.lastCreated : part.firstCreated,
  id: idsDescend ? highestId(part) : lowestId(part),
});

/** No match of the part comes later in this order. */
const lastOf = (part: Part, { descends, idsDescend }: Order): Key => ({
  created: descends ? part.firstCreated : part.lastCreated,
  id: idsDescend ? lowestId(part) : highestId(part),
});

const lowestId = (part: Part): number => (part.firstCreated === part.lastCreated ? part.firstId : -Infinity);
const highestId = (part: Part): number => (part.firstCreated === part.lastCreated ? part.lastId : Infinity);

/** A function for the number of matches in the parts whose edge is before a key, or `orAt` it. */
function running<End extends { n: number }>(
  ends: readonly End[],
  edge: (end: End) => Key,
  compare: (a: Key, b: Key) => number,
): (key: Key, orAt: boolean) => number {
  const sorted = [...ends].sort((a, b) => compare(edge(a), edge(b)));
  const sums = [0];
  for (const { n } of sorted) sums.push((sums.at(-1) ?? 0) + n);
  return (key, orAt) => {
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const end = sorted[middle];
      const sign = end === undefined ? 1 : compare(edge(end), key);
      if (sign < 0 || (orAt && sign === 0)) low = middle + 1;
      else high = middle;
    }
    return sums[low] ?? 0;
  };
}

function divide<T>(all: readonly T[], test: (one: T) => boolean): [T[], T[]] {
  return [all.filter(test), all.filter((one) => !test(one))];
}
