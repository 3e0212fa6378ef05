import type { SQL } from "drizzle-orm";
import { queryAll, type Row } from "../d1.ts";
import type { Target } from "../target.ts";

/**
 * Parts that share a call, which is one transaction. Remote calls take seconds. Local ones take none, but while a
 * transaction writes, the local server cannot.
 */
const partsPerCall = ({ remote }: Target): number => (remote ? 4 : 1);

/** Runs the statements of each part and yields, for each part, the rows of its first statement. */
export async function* inParts<T>(
  target: Target,
  parts: readonly T[],
  statementsOf: (part: T) => readonly SQL[],
): AsyncGenerator<Row[]> {
  const size = partsPerCall(target);
  for (let start = 0; start < parts.length; start += size) {
    const statements = parts.slice(start, start + size).map(statementsOf);
    const results = await queryAll(target, statements.flat());
    let first = 0;
    for (const { length } of statements) {
      yield results[first] ?? [];
      first += length;
    }
  }
}
