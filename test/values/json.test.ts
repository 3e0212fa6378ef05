import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jsonErrorPosition } from "../../src/ingest/formats/json-error.ts";
import { canonicalJson, inOrder, parseJson, printJson } from "../../src/values/json.ts";

describe("the place where a text stops being JSON", () => {
  it.each([
    ['{"a": oops}', 6],
    ['{"a" 1}', 5],
    ["{a:1}", 1],
    ["[1,]", 3],
    ["[1 2]", 3],
    ['{"a":1,}', 7],
    ['{"a":1', 6],
    ['"a\nb"', 2],
    ['"\\x"', 1],
    ['"never ends', 11],
    ["[01]", 2],
    ["1 1", 2],
    ["[}", 1],
    ["[1}", 2],
    ["", 0],
    ["  ", 2],
    ["{'a':1}", 1],
    ["nul", 0],
    ["[-]", 1],
  ])("%j is found at %i", (text, position) => {
    expect(() => JSON.parse(text)).toThrow(SyntaxError);
    expect(jsonErrorPosition(text)).toBe(position);
  });

  it("is the end of every valid text, and inside or at the end of every broken one", () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(), fc.constantFrom("{", "}", '"', ",", "x", "\n", "\\"), (json, at, extra) => {
        expect(jsonErrorPosition(json)).toBe(json.length);
        const index = at % (json.length + 1);
        const broken = json.slice(0, index) + extra + json.slice(index);
        const position = jsonErrorPosition(broken);
        expect(jsonErrorPosition(broken.slice(0, position))).toBe(position);
        // Valid so far, and not with one letter more.
        expect(jsonErrorPosition(broken.slice(0, position + 1))).toBe(position);
        expect(position === broken.length || !isJson(broken)).toBe(true);
      }),
      { numRuns: 500, seed: 20_261_125 },
    );
  });

  it("is found in linear time", () => {
    const deep = "[".repeat(500_000);
    expect(jsonErrorPosition(deep)).toBe(deep.length);
    const unended = `"${"a".repeat(1_000_000)}`;
    expect(jsonErrorPosition(unended)).toBe(unended.length);
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe("numbers", () => {
  it("that a double cannot hold are printed as they were read", () => {
    const text = '{"a":[12345678901234567890,2.50,-0,1e999,0.1],"b":"1.50"}';
    expect(JSON.stringify(parseJson(text))).toBe(text);
  });

  it("written in two ways are the same in canonical JSON, unless digits would be lost", () => {
    const canonical = (text: string) => canonicalJson(parseJson(text));
    expect(canonical('{"b":2.50,"a":1e2}')).toBe('{"a":100,"b":2.5}');
    expect(canonical("[12345678901234567890]")).not.toBe(canonical("[12345678901234567891]"));
  });

  it("and everything else survive parsing for any JSON", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        expect(JSON.stringify(parseJson(text))).toBe(text);
      }),
      { numRuns: 500, seed: 20_261_125 },
    );
  });
});

/** JSON as it was written: its keys may repeat, and look like integers. */
type Written = string | number | null | { list: Written[] } | { entries: [key: string, value: Written][] };

const KEYS = [
  "10",
  "9",
  "1",
  "0",
  "01",
  "-1",
  "4294967295",
  "a",
  "",
  "=",
  "=9",
  "==9",
  "=a",
  '"9',
  '9"',
  "\\9",
  "9:",
  "__proto__",
];

const written = fc.letrec<{ value: Written }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom<Written>("", "plain", '"9":1', '{"10":{"9":1}}', "\\", 5, 2.5, null),
    fc.array(tie("value"), { maxLength: 3 }).map((list) => ({ list })),
    fc.array(fc.tuple(fc.constantFrom(...KEYS), tie("value")), { maxLength: 6 }).map((entries) => ({ entries })),
  ),
})).value;

/** As a sender may write it: with spaces, and with some letters of the keys as escapes. */
function asSent(value: Written, space: string, escapes: (index: number) => boolean): string {
  const string = (key: string) => {
    const letters = [...key].map((letter, index) =>
      escapes(index) ? `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}` : JSON.stringify(letter).slice(1, -1),
    );
    return `"${letters.join("")}"`;
  };
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if ("list" in value)
    return `[${space}${value.list.map((item) => asSent(item, space, escapes)).join(`${space},${space}`)}]`;
  const entries = value.entries.map(([key, item]) => `${string(key)}${space}:${space}${asSent(item, space, escapes)}`);
  return `{${space}${entries.join(`${space},`)}${space}}`;
}

/** As it is kept: without spaces, and of equal keys the last value, in the place of the first. */
function asKept(value: Written): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if ("list" in value) return `[${value.list.map(asKept).join(",")}]`;
  const entries = [...new Map(value.entries)].map(([key, item]) => `${JSON.stringify(key)}:${asKept(item)}`);
  return `{${entries.join(",")}}`;
}

describe("keys", () => {
  it.each([
    ['{"10":1,"9":2}', '{"10":1,"9":2}'],
    ['{ "b" : {"2":[{"1":0,"0":1}]}, "1" : 5 }', '{"b":{"2":[{"1":0,"0":1}]},"1":5}'],
    ['{"2":1,"a":2,"1":3,"2":4}', '{"2":4,"a":2,"1":3}'],
    ['{"a":1,"\\u0061":2}', '{"a":2}'],
    ['{"b":1,"\\u0031\\u0030":2,"9":3}', '{"b":1,"10":2,"9":3}'],
    ['{"=9":1,"9":2,"\\u003d9":3}', '{"=9":3,"9":2}'],
    ['{"a":"\\"9\\":","9":1.50,"8":12345678901234567890}', '{"a":"\\"9\\":","9":1.50,"8":12345678901234567890}'],
  ])("of %s are printed as %s", (text, kept) => {
    expect(printJson(parseJson(text))).toBe(kept);
  });

  it("keep their place, whatever they look like and however they are written", () => {
    fc.assert(
      fc.property(
        written,
        fc.constantFrom("", " ", "\n\t"),
        fc.infiniteStream(fc.boolean()),
        (value, space, choices) => {
          const text = asSent(value, space, () => choices.next().value);
          const read = parseJson(text);
          expect(printJson(read)).toBe(asKept(value));
          expect(JSON.parse(JSON.stringify(read))).toEqual(JSON.parse(text));
        },
      ),
      { numRuns: 1_000, seed: 20_261_125 },
    );
  });

  it("count in canonical JSON as they did without their places", () => {
    fc.assert(
      fc.property(written, (value) => {
        const text = asSent(value, " ", () => false);
        expect(canonicalJson(parseJson(text))).toBe(canonicalJson(JSON.parse(text)));
      }),
      { numRuns: 500, seed: 20_261_125 },
    );
  });

  it("never make a text valid that is not, nor the other way round", () => {
    const piece = fc.constantFrom('"', '"9":', '\\"', "9", "=", "\\u0039", ":", ",", "{", "}", "1", " ");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        for (const text of [pieces.join(""), `{"${pieces.join("")}":1}`]) {
          if (isJson(text)) expect(JSON.parse(printJson(parseJson(text)))).toEqual(JSON.parse(text));
          else expect(() => parseJson(text)).toThrow(SyntaxError);
        }
      }),
      { numRuns: 3_000, seed: 20_261_125 },
    );
  });

  it("keep their place in a copy without some of them, and in an object of entries", () => {
    const { message, ...rest } = Object(parseJson('{"10":1,"message":2,"9":3}'));
    expect([printJson(rest), message]).toEqual(['{"10":1,"9":3}', 2]);
    expect(
      printJson(
        inOrder([
          ["2", null],
          ["1", null],
          ["2", 5],
        ]),
      ),
    ).toBe('{"2":5,"1":null}');
  });
});
