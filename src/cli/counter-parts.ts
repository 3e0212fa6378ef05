import type { SQLWrapper } from "drizzle-orm";
import { dayBounds, newestId, objectParts, type Part, yearsOfLog } from "../events/counters/rebuild.ts";

/** Parts of the log whose bounds are read in one call, which reads all rows of these parts. */
const PARTS_AHEAD = 20;

type Read = (statements: readonly SQLWrapper[]) => Promise<Readonly<Record<string, string | number | null>>[][]>;

/** All parts of the counters. Days come before quarters, because the counters of a quarter are compared with those of its days. */
export async function allParts(read: Read): Promise<Part[]> {
  const days: Part[] = [];
  for (let from = -Infinity; ; ) {
    const [bounds = [], years = [], [newest] = []] = await read([dayBounds(from, PARTS_AHEAD), yearsOfLog, newestId]);
    for (const { until } of bounds) {
      const to = typeof until === "number" ? until : Infinity;
      days.push({ of: "days", from, to });
      from = to;
    }
    if (from < Infinity) continue;
    const quarters = years.map(({ year }): Part => ({ of: "quarters", year: String(year) }));
    return [...days, ...quarters, ...objectParts(Number(newest?.id))];
  }
}
