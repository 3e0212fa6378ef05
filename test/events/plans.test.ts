import { env } from "cloudflare:workers";
import { type SQL, sql } from "drizzle-orm";
import { SQLiteAsyncDialect } from "drizzle-orm/sqlite-core";
import { expect, it } from "vitest";
import { countStatements, dayRows, detailedQuarters } from "../../src/events/counters/read.ts";
import { deepLogStatement, sliceStatement } from "../../src/events/list/slice.ts";
import type { SearchQuery, SeriesQuery } from "../../src/events/query.ts";
import type { Slice } from "../../src/events/row.ts";
import { indexStatement } from "../../src/events/search/by-index.ts";
import { pageStatement, wholePageStatement } from "../../src/events/search/page.ts";
import { totalStatement } from "../../src/events/search/total.ts";
import { versionStatement } from "../../src/events/version.ts";

const DAY = 86_400_000_000;
const T = Date.UTC(2025, 5, 15, 12, 30) * 1000;
const EVER = { from: -Infinity, to: Infinity };
/** Begins and ends within an hour, so that every kind of counter and of edge is asked. */
const TIME = { from: T, to: T + 100 * DAY };
const PLACE = { created: T + DAY, id: 7 };

type Shape = [name: string, statement: SQL];

/** Reading all of these a table has is a scan; the order of an index does not make it shorter. */
const FULL_SCAN = /^SCAN (events|event_scopes|counters)\b/;

/** Scans that end by themselves, and why. */
const BOUNDED: readonly [line: RegExp, shapes: RegExp, why: string][] = [
  [
    /^SCAN events USING COVERING INDEX events_order$/,
    /^rows of the log(?!.*in a time)/,
    "the order of the list is that of the index, and a LIMIT ends the walk: after a page, or after SCAN rows for types",
  ],
];

/** Names of these parts, in words. */
const named = (...parts: (string | undefined | false)[]) => parts.filter(Boolean).join(", ");

function seriesShapes(): Shape[] {
  const shapes: Shape[] = [];
  for (const series of ["log", "a".repeat(32)])
    for (const types of [undefined, [7, 8]])
      for (const range of [EVER, TIME])
        for (const oldestFirst of [false, true]) {
          const query: SeriesQuery = {
            kind: "series",
            series,
            roles: series === "log" ? 0 : 2,
            types,
            range,
            oldestFirst,
          };
          const what = named(
            series === "log" ? "the log" : "an object",
            types && "types",
            range === TIME && "in a time",
            oldestFirst ? "oldest first" : "newest first",
          );
          shapes.push(...rowShapes(query, what));
          if (oldestFirst) continue;
          shapes.push(
            ...countStatements(query).map((statement, index): Shape => [`count ${index + 1} of ${what}`, statement]),
          );
        }
  return shapes;
}

function rowShapes(query: SeriesQuery, what: string): Shape[] {
  const slice: Slice = { backwards: false, range: query.range, offset: 0, limit: 10 };
  const scan = query.series === "log" && query.types === undefined ? {} : { scan: 1_010 };
  return [
    [`rows of ${what}, first page`, sliceStatement(query, { ...slice, ...scan })],
    [`rows of ${what}, at an offset`, sliceStatement(query, { ...slice, ...scan, offset: 90 })],
    [`rows of ${what}, where the counters say`, sliceStatement(query, { ...slice, range: TIME, offset: 90 })],
    [`rows of ${what}, after a place`, sliceStatement(query, { ...slice, ...scan, beyond: PLACE })],
    [`rows of ${what}, before a place`, sliceStatement(query, { ...slice, ...scan, beyond: PLACE, backwards: true })],
    [`rows of ${what}, last page`, sliceStatement(query, { ...slice, ...scan, backwards: true })],
  ];
}

function searchShapes(): Shape[] {
  const shapes: Shape[] = [];
  for (const message of ["NEE", "NEEDLE"])
    for (const range of [EVER, TIME])
      for (const oldestFirst of [false, true]) {
        const query: SearchQuery = {
          kind: "search",
          concerns: [],
          values: { message },
          types: undefined,
          range,
          oldestFirst,
        };
        const slice = { backwards: false, offset: 0, limit: 10 };
        const what = named(
          "search",
          message.length > 3 && "compared",
          range === TIME && "in a time",
          oldestFirst ? "oldest first" : "newest first",
        );
        shapes.push(
          [`total of a ${what}`, totalStatement(query, "key")],
          [`page of a ${what}`, pageStatement(query, "key", slice)],
          [
            `page of a ${what}, before a place`,
            pageStatement(query, "key", { ...slice, beyond: PLACE, backwards: true }),
          ],
          [`whole page of a ${what}`, wholePageStatement(query, slice)],
        );
      }
  return shapes;
}

function otherShapes(): Shape[] {
  const query: SeriesQuery = {
    kind: "series",
    series: "log",
    roles: 0,
    types: undefined,
    range: EVER,
    oldestFirst: false,
  };
  const search: SearchQuery = { ...query, kind: "search", concerns: [], values: { message: "NEE" } };
  const near = { backwards: false, range: TIME, offset: 0, limit: 10, match: '"type:7"' };
  return [
    ["deep page of the log, newest first", deepLogStatement(query, 5_000, 10)],
    ["deep page of the log, oldest first", deepLogStatement({ ...query, oldestFirst: true }, 5_000, 10)],
    ["rows by the index", indexStatement(false, { ...near, ids: { min: sql.raw("1"), max: sql.raw("9") } })],
    ["days of a month", dayRows("2025-06")],
    ["months for statistics", detailedQuarters("log")],
    ["version of a series", versionStatement(query)],
    ["version of a search", versionStatement(search)],
  ];
}

const dialect = new SQLiteAsyncDialect();

/** The lines of SQLite's plan, indented as a tree. */
async function planOf(statement: SQL): Promise<string[]> {
  const { sql: text, params } = dialect.sqlToQuery(statement);
  const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${text}`)
    .bind(...params)
    .all<{ id: number; parent: number; detail: string }>();
  const depths = new Map([[0, 0]]);
  return results.map(({ id, parent, detail }) => {
    const depth = depths.get(parent) ?? 0;
    depths.set(id, depth + 1);
    // Their numbers depend on all of the statement.
    return "  ".repeat(depth) + detail.replace(/(subquery|SUBQUERY)[ -]\d+/, "$1");
  });
}

it("no query reads a table from end to end, and each has the plan that is on record", async () => {
  const shapesByPlan = new Map<string, string[]>();
  const scans: string[] = [];
  for (const [shape, statement] of [...seriesShapes(), ...searchShapes(), ...otherShapes()]) {
    const plan = await planOf(statement);
    shapesByPlan.set(plan.join("\n"), [...(shapesByPlan.get(plan.join("\n")) ?? []), shape]);
    for (const line of plan.map((line) => line.trim())) {
      const isBounded = BOUNDED.some(([allowed, shapes]) => allowed.test(line) && shapes.test(shape));
      if (FULL_SCAN.test(line) && !isBounded) scans.push(`${shape}: ${line}`);
    }
  }

  expect(scans).toEqual([]);
  const record = [...shapesByPlan].map(([plan, shapes]) => `${shapes.join("\n")}\n\n${plan.replaceAll(/^/gm, "    ")}`);
  expect(record.join("\n\n")).toMatchSnapshot();
});
