import { env } from "cloudflare:workers";
import { type SQL, sql } from "drizzle-orm";
import { describe, expect, it } from "vitest";
import { prepared } from "../../src/db/client.ts";
import { countStatements, dayRows, detailedQuarters } from "../../src/events/counters/read.ts";
import { pageColumns } from "../../src/events/list/content.ts";
import { deepLogStatement, sliceStatement } from "../../src/events/list/slice.ts";
import { LOG, type SearchQuery, type SeriesQuery } from "../../src/events/query.ts";
import { EVENT_FIELDS } from "../../src/events/representation.ts";
import { rowsStatement, type Slice } from "../../src/events/row.ts";
import { indexStatement } from "../../src/events/search/by-index.ts";
import { keysStatement, listedUpto, partsStatement, stateStatement } from "../../src/events/search/state.ts";
import { bounds, countStatement, listStatement, nearStatement } from "../../src/events/search/window.ts";
import { versionStatement } from "../../src/events/version.ts";

const DAY = 86_400_000_000;
const T = Date.UTC(2025, 5, 15, 12, 30) * 1000;
const EVER = { from: -Infinity, to: Infinity };
/** Begins and ends within an hour, so that counting it needs every kind of counter, and rows at both edges. */
const TIME = { from: T, to: T + 100 * DAY };
const CURSOR = { created: T + DAY, id: sql`7` };
const OBJECT = "a".repeat(32);
/** Of a page of ten that prints every field. */
const COLUMNS = pageColumns(EVENT_FIELDS, { events: 10, readsContent: true });

/** How a plan sorts: not at all, within equal times only, or all rows that it returns. */
type Sort = "nothing" | "ties" | "rows";

interface Plan {
  /** How each table is read, as SQLite says it, once each. */
  reads: string[];
  sorts: Sort;
}

/** The tables whose size grows with the log. */
const GROWING =
  /^(SEARCH|SCAN) (events|event_scopes|counters|event_index|event_terms|search_totals|search_keys|known)\b/;
/** A growing table read from end to end; the walk along events_order ends at the LIMIT of a page. */
const FULL_SCAN = /^SCAN (?!events USING COVERING INDEX events_order$)(events|event_scopes|counters|search_totals)\b/;

const BY_ID = "SEARCH events USING INTEGER PRIMARY KEY (rowid=?)";
const NEWEST = "SEARCH events";
const BY_MATCH = "SCAN event_index VIRTUAL TABLE INDEX 0:M1><";
const BY_MATCH_ASCENDING = "SCAN event_index VIRTUAL TABLE INDEX 64:M1><";
const BY_MATCH_DESCENDING = "SCAN event_index VIRTUAL TABLE INDEX 192:M1><";
const BY_ID_IF_ANY = `${BY_ID} LEFT-JOIN`;
const BY_TERM = "SCAN event_terms VIRTUAL TABLE INDEX 259:";
const KEPT_STATE = "SEARCH known USING PRIMARY KEY (query=?) LEFT-JOIN";
const KEPT_PARTS = "SEARCH search_keys USING PRIMARY KEY (query=? AND upto_id<?)";
const KEPT_KEYS = "SEARCH search_keys USING PRIMARY KEY (query=? AND upto_id=? AND part=?)";
const KEPT_TOTAL = "SEARCH search_totals USING PRIMARY KEY (query=?)";
const counters = (keys: string) => `SEARCH counters USING PRIMARY KEY (${keys})`;
const QUARTERS = counters("series=?");
const PERIODS = counters("series=? AND period>? AND period<?");
/** The bounds of the ids of a time range. */
const ID_BOUNDS = [counters("series=? AND period>?"), counters("series=? AND period<?"), PERIODS];

/** How a series is read by its own index, within these bounds of created and id. */
function byIndex(series: string, bounds: string): string {
  if (series !== LOG) {
    const keys = ["scope=?", bounds.replace(/\bid\b/, "event_id")].filter(Boolean).join(" AND ");
    return `SEARCH event_scopes USING PRIMARY KEY (${keys})`;
  }
  const index = "events USING COVERING INDEX events_order";
  return bounds === "" ? `SCAN ${index}` : `SEARCH ${index} (${bounds})`;
}

async function planOf(statement: SQL): Promise<Plan> {
  const explained = prepared(env.DB, sql`EXPLAIN QUERY PLAN ${statement}`);
  const lines = (await explained.all<{ detail: string }>()).results.map(({ detail }) => detail);
  const sortsRows = lines.includes("USE TEMP B-TREE FOR ORDER BY");
  const sortsTies = lines.includes("USE TEMP B-TREE FOR LAST TERM OF ORDER BY");
  return {
    reads: [...new Set(lines.filter((line) => GROWING.test(line)))].sort(),
    sorts: sortsRows ? "rows" : sortsTies ? "ties" : "nothing",
  };
}

async function expectPlan(name: string, statement: SQL, { reads, sorts }: Plan): Promise<void> {
  const plan = await planOf(statement);
  expect.soft(plan, name).toEqual({ reads: [...new Set(reads)].sort(), sorts });
  expect.soft(plan.reads.filter((line) => FULL_SCAN.test(line), name)).toEqual([]);
}

const seriesQueries = [LOG, OBJECT].flatMap((series) =>
  [undefined, [7, 8]].flatMap((types) =>
    [EVER, TIME].map(
      (range): SeriesQuery => ({
        kind: "series",
        series,
        roles: series === LOG ? 0 : 2,
        types,
        range,
        oldestFirst: false,
      }),
    ),
  ),
);

const nameOf = ({ series, types, range, oldestFirst }: SeriesQuery): string =>
  [
    series === LOG ? "the log" : "an object",
    types && "by types",
    range === TIME && "in a time",
    oldestFirst && "oldest first",
  ]
    .filter(Boolean)
    .join(", ");

describe("the rows of a series", () => {
  const queries = seriesQueries.flatMap((query) => [query, { ...query, oldestFirst: true }]);

  it.each(queries.map((query) => [nameOf(query), query] as const))(
    "of %s come from its own index",
    async (name, query) => {
      // The index has ties by ascending id, so oldest first reads the last time again, and sorts the rows of the page.
      const sorts = query.oldestFirst ? "rows" : "nothing";
      const lastTime = query.oldestFirst ? [byIndex(query.series, "created=?")] : [];
      const scan = query.series === LOG && query.types === undefined ? {} : { scan: 1_010 };
      const slice: Slice = { columns: COLUMNS, backwards: false, range: query.range, offset: 0, limit: 10, ...scan };
      const inTime = "created>? AND created<?";
      const whole = byIndex(query.series, query.range === TIME ? inTime : "");
      for (const [part, changed] of Object.entries({ first: {}, offset: { offset: 90 }, last: { backwards: true } })) {
        // The events before the part are counted to know how many of its first time are among them.
        const isCounted = query.oldestFirst && part === "offset" && !("scan" in scan) && query.range !== TIME;
        const earlier = isCounted ? [byIndex(query.series, "created<?")] : [];
        const reads = [whole, ...lastTime, ...earlier, BY_ID];
        await expectPlan(`${part} page of ${name}`, sliceStatement(query, { ...slice, ...changed }), { reads, sorts });
      }
      const located: Slice = { columns: COLUMNS, backwards: false, range: TIME, offset: 90, limit: 10 };
      await expectPlan(`located page of ${name}`, sliceStatement(query, located), {
        reads: [byIndex(query.series, inTime), ...lastTime, BY_ID],
        sorts,
      });
    },
  );

  it.each(queries.map((query) => [nameOf(query), query] as const))(
    "of %s begin at a cursor: the rest of its tie, then the other times",
    async (name, query) => {
      const scan = query.series === LOG && query.types === undefined ? {} : { scan: 1_010 };
      for (const backwards of [false, true]) {
        const slice: Slice = {
          columns: COLUMNS,
          backwards,
          range: query.range,
          offset: 0,
          limit: 10,
          beyond: CURSOR,
          ...scan,
        };
        const onwards = query.oldestFirst === backwards ? "created<?" : "created>?";
        const reads = [
          byIndex(query.series, `created=? AND id${backwards ? "<" : ">"}?`),
          byIndex(query.series, query.range === TIME ? "created>? AND created<?" : onwards),
          ...(query.oldestFirst ? [byIndex(query.series, "created=?")] : []),
          BY_ID,
        ];
        const sorts = query.oldestFirst ? "rows" : "nothing";
        await expectPlan(`${name}, ${backwards ? "before" : "after"} a cursor`, sliceStatement(query, slice), {
          reads,
          sorts,
        });
      }
    },
  );

  it.each([
    [false, ["created<?"], "rows"],
    [true, ["created>?", "created=?", "created>? AND created<?"], "rows"],
  ] as const)("deep in the log (oldest first: %s) are placed by the counters", async (oldestFirst, bounds, sorts) => {
    const query: SeriesQuery = { kind: "series", series: LOG, roles: 0, types: undefined, range: EVER, oldestFirst };
    // The sorted rows are counters: quarters, days of a quarter, hours of a day.
    await expectPlan("deep page", deepLogStatement(query, COLUMNS, 5_000, 10), {
      reads: [QUARTERS, PERIODS, ...bounds.map((bound) => byIndex(LOG, bound)), BY_ID],
      sorts,
    });
  });
});

describe("the count of a series", () => {
  it.each(seriesQueries.map((query) => [nameOf(query), query] as const))(
    "of %s reads counters, and rows only at the edges of a time",
    async (name, query) => {
      const edge = [byIndex(query.series, "created>? AND created<?")];
      const periods = Array.from({ length: query.series === LOG ? 4 : 0 }, () => [PERIODS]);
      const expected = query.range === EVER ? [[QUARTERS]] : [[QUARTERS], ...periods, edge, edge];
      const statements = countStatements(query);
      expect(statements).toHaveLength(expected.length);
      for (const [index, statement] of statements.entries()) {
        await expectPlan(`${index + 1} of ${name}`, statement, { reads: expected[index] ?? [], sorts: "nothing" });
      }
    },
  );

  it("by months, days and versions reads counters only", async () => {
    const query: SeriesQuery = {
      kind: "series",
      series: LOG,
      roles: 0,
      types: undefined,
      range: EVER,
      oldestFirst: false,
    };
    await expectPlan("days of a month", dayRows("2025-06"), { reads: [PERIODS], sorts: "nothing" });
    await expectPlan("months", detailedQuarters(LOG), { reads: [QUARTERS], sorts: "nothing" });
    await expectPlan("version", versionStatement(query), { reads: [QUARTERS], sorts: "nothing" });
  });
});

describe("a search", () => {
  const searches = ["NEE", "NEEDLE"].flatMap((message) =>
    [EVER, TIME].flatMap((range) =>
      [false, true].map((oldestFirst): [string, SearchQuery] => [
        [message, range === TIME && "in a time", oldestFirst && "oldest first"].filter(Boolean).join(", "),
        { kind: "search", concerns: [], values: { message }, types: undefined, range, oldestFirst },
      ]),
    ),
  );
  const boundsOf = ({ range }: SearchQuery) => (range === TIME ? ID_BOUNDS : []);

  it.each(searches)("for %s knows what was counted, and where it is", async (name, query) => {
    const indexed = query.values.message === "NEE" && query.range === EVER ? [BY_TERM] : [];
    await expectPlan(`state of ${name}`, stateStatement(query, "key"), {
      reads: [KEPT_STATE, NEWEST, ...indexed],
      sorts: "nothing",
    });
    await expectPlan(`parts of ${name}`, partsStatement("key"), { reads: [KEPT_TOTAL, KEPT_PARTS], sorts: "nothing" });
    const part = { uptoId: 9, part: 0, n: 1, firstCreated: 1, lastCreated: 1, firstId: 1, lastId: 1 };
    await expectPlan(`keys of ${name}`, keysStatement("key", [part]), { reads: [KEPT_KEYS], sorts: "nothing" });
  });

  it.each(searches)("for %s counts by the index, from an id on", async (name, query) => {
    const newest = query.range === EVER ? [NEWEST] : [];
    const reads = [BY_MATCH_ASCENDING, ...newest, ...boundsOf(query)];
    const listed = listStatement(query, { after: listedUpto("key"), limit: sql`25000` });
    await expectPlan(`list of ${name}`, listed, { reads: [...reads, BY_ID_IF_ANY, KEPT_TOTAL], sorts: "nothing" });
    const counted = countStatement(query, bounds(7, 1_000, 25_000));
    await expectPlan(`count of ${name}`, counted, { reads, sorts: "nothing" });
  });

  it.each(searches)("for %s finds the rows of a page by their ids, or the nearest ones", async (name, query) => {
    const newest = query.range === EVER ? [NEWEST] : [];
    for (const isNewest of [false, true]) {
      const near = nearStatement(query, COLUMNS, bounds(0, 1_000, 15), isNewest);
      const reads = [isNewest ? BY_MATCH_DESCENDING : BY_MATCH_ASCENDING, BY_ID, ...newest, ...boundsOf(query)];
      await expectPlan(`near rows of ${name}`, near, { reads, sorts: "nothing" });
    }
    await expectPlan(`rows of ${name}`, rowsStatement(COLUMNS, [1, 2]), { reads: [BY_ID], sorts: "nothing" });
  });

  it("of a series by its types, and its version, need no other table", async () => {
    const ids = { min: sql.raw("1"), max: sql.raw("9") };
    const rows = indexStatement(false, {
      columns: COLUMNS,
      backwards: false,
      range: TIME,
      offset: 0,
      limit: 10,
      match: '"type:7"',
      ids,
    });
    await expectPlan("rows", rows, { reads: [BY_MATCH, BY_ID], sorts: "rows" });
    for (const [name, query] of searches)
      await expectPlan(`version of ${name}`, versionStatement(query), { reads: [NEWEST], sorts: "nothing" });
  });
});

it("a plan without its index is found", async () => {
  const query: SeriesQuery = {
    kind: "series",
    series: OBJECT,
    roles: 2,
    types: undefined,
    range: EVER,
    oldestFirst: false,
  };
  const statement = sliceStatement(query, { columns: COLUMNS, backwards: false, range: EVER, offset: 0, limit: 10 });
  const indexed = await planOf(statement);
  await env.DB.batch([
    env.DB.prepare("ALTER TABLE event_scopes RENAME TO old_scopes"),
    env.DB.prepare("CREATE TABLE event_scopes AS SELECT * FROM old_scopes"),
  ]);
  const scanned = await planOf(statement);
  expect(indexed).toEqual({ reads: [byIndex(OBJECT, ""), BY_ID].sort(), sorts: "nothing" });
  expect(scanned).toEqual({ reads: ["SCAN event_scopes", BY_ID].sort(), sorts: "rows" });
  expect(scanned.reads.filter((line) => FULL_SCAN.test(line))).toEqual(["SCAN event_scopes"]);
});
