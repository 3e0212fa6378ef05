/** A match: when it was created (microseconds), and its id. */
export interface Key {
  created: number;
  id: number;
}

/** The order of a list, or the one against it. Of events of the same time, a list has the one stored first first. */
export interface Order {
  /** Whether later times come first. */
  descends: boolean;
  /** Whether, of equal times, larger ids come first. */
  idsDescend: boolean;
}

/** Matches of one part, the most. */
export const PART_KEYS = 2_500;

/** Some matches of a search, beside each other in the order of time: what is known of them without reading them. */
export interface Part {
  /** The window of ids in which they were counted: its highest id. */
  uptoId: number;
  /** Numbers the parts of a window in the order of time. */
  part: number;
  n: number;
  firstCreated: number;
  lastCreated: number;
  firstId: number;
  lastId: number;
  /** The matches, where they were read, as search_keys.keys has them: 12 bytes each, and an object has 75. */
  text?: string | undefined;
}

const OLDEST_FIRST: Order = { descends: false, idsDescend: false };

/** Sorts matches, for `Array.sort`. */
export const inOrder =
  ({ descends, idsDescend }: Order) =>
  (a: Key, b: Key): number => {
    if (a.created !== b.created) return a.created < b.created === descends ? 1 : -1;
    if (a.id === b.id) return 0;
    return a.id < b.id === idsDescend ? 1 : -1;
  };

/** The matches of a window in parts, each of at most `most`, that follow each other in the order of time and id. */
export function partsOf(keys: readonly Key[], uptoId: number, most = PART_KEYS): Part[] {
  const sorted = [...keys].sort(inOrder(OLDEST_FIRST));
  return Array.from({ length: Math.ceil(sorted.length / most) }, (_, part) =>
    describe(sorted.slice(part * most, (part + 1) * most), uptoId, part),
  );
}

function describe(keys: readonly Key[], uptoId: number, part: number): Part {
  const ids = keys.map(({ id }) => id);
  return {
    uptoId,
    part,
    n: keys.length,
    firstCreated: keys[0]?.created ?? 0,
    lastCreated: keys.at(-1)?.created ?? 0,
    firstId: Math.min(...ids),
    lastId: Math.max(...ids),
    text: printKeys(keys),
  };
}

/** Matches as search_keys.keys has them. */
export function printKeys(keys: readonly Key[]): string {
  return JSON.stringify([differences(keys.map(({ created }) => created)), differences(keys.map(({ id }) => id))]);
}

/** Reads search_keys.keys. */
export function parseKeys(text: string): Key[] {
  const [times = [], ids = []]: number[][] = JSON.parse(text);
  return keysOf(sums(times), sums(ids));
}

/** Matches from their times and ids, side by side. */
export const keysOf = (times: readonly number[], ids: readonly number[]): Key[] =>
  times.map((created, index) => ({ created, id: ids[index] ?? 0 }));

const differences = (values: readonly number[]): number[] =>
  values.map((value, index) => value - (values[index - 1] ?? 0));

function sums(values: readonly number[]): number[] {
  let sum = 0;
  return values.map((value) => {
    sum += value;
    return sum;
  });
}
