import { env } from "cloudflare:workers";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { typeNumber } from "../../../src/catalogue/data.ts";
import { Reader } from "../../../src/db/reader.ts";
import { pageColumns } from "../../../src/events/list/content.ts";
import { deepLogStatement, sliceStatement } from "../../../src/events/list/slice.ts";
import type { SearchQuery, SeriesQuery } from "../../../src/events/query.ts";
import { EVENT_FIELDS } from "../../../src/events/representation.ts";
import { eventColumns, rowsStatement, type Slice } from "../../../src/events/row.ts";
import { bounds, nearStatement } from "../../../src/events/search/window.ts";
import { anEvent, hex, recorded } from "../../support/world.ts";

const CUSTOMER = hex("customer");
const EVER = { from: -Infinity, to: Infinity };
const LAST_CODE_POINT = 0x10ffff;
const CODE_POINTS_AT_ONCE = 128;

/** The number of bytes that SQLite counts in each text as JSON. */
async function countedBySqlite(texts: readonly string[]): Promise<number[]> {
  const statement = env.DB.prepare("SELECT octet_length(json_quote(?)) AS bytes");
  const results = await env.DB.batch<{ bytes: number }>(texts.map((text) => statement.bind(text)));
  return results.map(({ results: [row] }) => row?.bytes ?? Number.NaN);
}

const printedByUs = (text: string) => new TextEncoder().encode(JSON.stringify(text)).length;

describe("SQLite counts the bytes of a message in JSON as JavaScript prints them", () => {
  it("for every code point", async () => {
    const texts: string[] = [];
    for (let first = 1; first <= LAST_CODE_POINT; first += CODE_POINTS_AT_ONCE) {
      const codes = Array.from({ length: CODE_POINTS_AT_ONCE }, (_, index) => first + index);
      const valid = codes.filter((code) => code <= LAST_CODE_POINT && (code < 0xd800 || code > 0xdfff));
      // Each of the first ones alone, because two errors in one text might cancel out.
      if (first < 0x800) texts.push(...valid.map((code) => String.fromCodePoint(code)));
      else texts.push(String.fromCodePoint(...valid));
    }

    for (let start = 0; start < texts.length; start += 500) {
      const some = texts.slice(start, start + 500);
      expect(await countedBySqlite(some)).toEqual(some.map(printedByUs));
    }
  });

  it("for any text", async () => {
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string({ unit: fc.constantFrom('"', "\\", "/", "'", "\u0001", "\t", "\u007f", "\u2028", "õ", "😀", "{") }),
    );
    const stored = text.filter((value) => value.isWellFormed() && !value.includes("\0"));
    await fc.assert(
      fc.asyncProperty(fc.array(stored, { minLength: 1, maxLength: 20 }), async (texts) => {
        expect(await countedBySqlite(texts)).toEqual(texts.map(printedByUs));
      }),
      { numRuns: 200, seed: 20_261_125 },
    );
  });
});

it("a page reads as many rows as one without a limit on its content would", async () => {
  const events = Array.from({ length: 400 }, (_, index) =>
    anEvent({
      message: `needle ${index}`,
      context: { customer_uuid: CUSTOMER, text: "x".repeat(index % 7 === 0 ? 9_000 : 10) },
    }),
  );
  await recorded(...events);
  const common = { types: undefined, range: EVER, oldestFirst: false };
  const log: SeriesQuery = { kind: "series", series: "log", roles: 0, ...common };
  const object: SeriesQuery = { ...log, series: CUSTOMER, roles: 2 };
  const search: SearchQuery = { kind: "search", concerns: [], values: { message: "NEEDLE" }, ...common };
  const slice = { backwards: false, range: EVER, offset: 0, limit: 300 };
  const lists = (columns: Slice["columns"]) => [
    sliceStatement(log, { ...slice, columns }),
    sliceStatement({ ...log, types: [typeNumber("project_created") ?? 0] }, { ...slice, columns, scan: 400 }),
    sliceStatement(object, { ...slice, columns, backwards: true }),
    deepLogStatement(log, columns, 250, 100),
    nearStatement(search, columns, bounds(0, 1_000, 10), true),
    rowsStatement(columns, [1, 2, 3]),
  ];
  const rowsRead = async (statement: ReturnType<typeof sliceStatement>) => {
    const reader = new Reader(env.DB);
    await reader.read([statement]);
    return reader.meter.rowsRead;
  };

  const limited = lists(pageColumns(EVENT_FIELDS, { events: 300, readsContent: true }));
  for (const [index, statement] of lists(eventColumns).entries()) {
    const plain = await rowsRead(statement);
    expect(plain, String(index)).toBeGreaterThan(0);
    expect(await rowsRead(limited[index] ?? statement), String(index)).toBe(plain);
  }
});
