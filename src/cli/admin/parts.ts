import type { SQL } from "drizzle-orm";
import { queryAll, type Row } from "../d1.ts";
import type { Target } from "../target.ts";

/** One call takes seconds, so several parts share it. */
const PARTS_PER_CALL = 4;

/** Runs the statements of each part and yields, for each part, the rows of its first statement. */
export async function* inParts<T>(
  target: Target,
  parts: readonly T[],
  statementsOf: (part: T) => readonly SQL[],
): AsyncGenerator<Row[]> {
  for (let start = 0; start < parts.length; start += PARTS_PER_CALL) {
    const statements = parts.slice(start, start + PARTS_PER_CALL).map(statementsOf);
    const results = await queryAll(target, statements.flat());
    let first = 0;
    for (const { length } of statements) {
      yield results[first] ?? [];
      first += length;
    }
  }
}
