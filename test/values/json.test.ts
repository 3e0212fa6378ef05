import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jsonErrorPosition } from "../../src/ingest/formats/json-error.ts";
import { canonicalJson, parseJson } from "../../src/values/json.ts";

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
