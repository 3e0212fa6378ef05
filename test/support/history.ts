import { env } from "cloudflare:workers";
import { expect } from "vitest";

interface Counter {
  series: string;
  period: string;
  n: number;
  codes: string;
  days: string | null;
}

/** A counter without what is zero: what a deletion leaves, and a recount does not have. */
const cleaned = ({ series, period, n, codes, days }: Counter) => ({
  series,
  period,
  n,
  codes: nonZero(codes),
  days: nonZero(days),
});

function nonZero(json: string | null): [string, number][] {
  const counts: Record<string, number> = JSON.parse(json ?? "{}");
  return Object.entries(counts)
    .filter(([, n]) => n !== 0)
    .sort();
}

/** Counts again, from the events and their scopes alone, what `counters` should hold, and compares. */
export async function expectExactCounters(): Promise<void> {
  const kept = await env.DB.prepare(
    "SELECT series, period, n, codes, days FROM counters ORDER BY series, period",
  ).all<Counter>();
  expect(kept.results.filter(({ n }) => n > 0).map(cleaned)).toEqual(await recounted());
}

async function recounted() {
  const rows = await env.DB.prepare(
    `SELECT 'log' AS series, created, type, 0 AS roles FROM events
      UNION ALL SELECT scope, created, type, roles FROM event_scopes`,
  ).all<{ series: string; created: number; type: number; roles: number }>();
  const counters = new Map<
    string,
    { series: string; period: string; n: number; codes: Map<string, number>; days: Map<string, number> }
  >();
  for (const { series, created, type, roles } of rows.results) {
    const time = new Date(Math.floor(created / 1000)).toISOString();
    const month = Number(time.slice(5, 7));
    const quarter = `${time.slice(0, 5)}${String(month - ((month - 1) % 3)).padStart(2, "0")}`;
    const code = type * 32 + roles;
    const entries: [series: string, period: string, code: string, day: string | undefined][] =
      series === "log"
        ? [
            ["log", quarter, `${time.slice(5, 7)}:${code}`, undefined],
            ["log/day", time.slice(0, 10), String(code), undefined],
            ["log/hour", time.slice(0, 13), String(code), undefined],
          ]
        : [[series, quarter, `${time.slice(5, 7)}:${code}`, `${time.slice(5, 10)}:${roles}`]];
    for (const [name, period, key, day] of entries) {
      const id = `${name} ${period}`;
      const counter = counters.get(id) ?? { series: name, period, n: 0, codes: new Map(), days: new Map() };
      counter.n += 1;
      counter.codes.set(key, (counter.codes.get(key) ?? 0) + 1);
      if (day) counter.days.set(day, (counter.days.get(day) ?? 0) + 1);
      counters.set(id, counter);
    }
  }
  return [...counters.values()]
    .sort((a, b) => (a.series === b.series ? (a.period < b.period ? -1 : 1) : a.series < b.series ? -1 : 1))
    .map(({ codes, days, ...rest }) => ({ ...rest, codes: [...codes].sort(), days: [...days].sort() }));
}
