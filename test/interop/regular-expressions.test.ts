import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { parseAst } from "vitest/node";

interface Expression {
  source: string;
  flags: string;
}

/** The build in JavaScript, which every platform has. */
const { checkSync }: typeof import("recheck") = createRequire(import.meta.url)("recheck/lib/browser.js");
/** A proof by the automaton of the expression, which takes as long as it takes; not a search for slow texts. */
const PROOF = { checker: "automaton", timeout: null } as const;

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

describe("a regular expression of src", () => {
  const found = globSync("src/**/*.{ts,mjs}", { cwd: ROOT }).flatMap((path) =>
    expressionsIn(readFileSync(join(ROOT, path), "utf8")).map((expression) => ({ path, ...expression })),
  );

  it("never takes more than linear time, whatever the text", () => {
    assert.ok(found.length > 60);
    const slow = found.filter((expression) => !isLinear(expression));
    assert.deepEqual(
      slow.map(({ path, source, flags }) => `${path}: /${source}/${flags}`),
      [],
    );
  });
});

describe("this check", () => {
  it("finds expressions wherever they stand", () => {
    const lines = [
      "const a = /a/g, b = [text.replace(/b/i, '')];",
      'class C { x: RegExp = new RegExp("c", "u"); y = RegExp("d"); }',
      "const e = <T,>(x: T) => v.regex(/[/]e/) satisfies unknown;",
    ];
    assert.deepEqual(expressionsIn(lines.join("\n")), [
      { source: "a", flags: "g" },
      { source: "b", flags: "i" },
      { source: "c", flags: "u" },
      { source: "d", flags: "" },
      { source: "[/]e", flags: "" },
    ]);
  });

  it("refuses an expression that is put together at run time", () => {
    assert.throws(() => expressionsIn("new RegExp(`^$" + "{name}$`)"), /put together/);
  });

  it("fails for an expression that once held the server for seconds, and for others that are quadratic", () => {
    for (const slow of [/^[{}]+|[{}]+$/g, /\/+$/, /^(\d+)\.?(\d*)$/, /e.*$/i, /^(a|a)*$/]) {
      assert.equal(isLinear(slow), false, String(slow));
    }
    for (const linear of [/^[{}]*([\da-f-]+)[{}]*$/i, /(^|[^/])\/+$/]) assert.equal(isLinear(linear), true);
  });
});

function isLinear({ source, flags }: Expression): boolean {
  const found = checkSync(source, flags, PROOF);
  return found.status === "safe" && ["safe", "linear"].includes(found.complexity.type);
}

/** Literals, and calls of RegExp with texts. Throws for a call with anything else. */
function expressionsIn(code: string): Expression[] {
  return nodesOf(parseAst(code, { lang: "ts" })).flatMap(({ type, regex, callee, arguments: given }) => {
    if (type === "Literal" && isObject(regex)) return [{ source: String(regex.pattern), flags: String(regex.flags) }];
    const isCall = ["NewExpression", "CallExpression"].includes(String(type)) && isObject(callee);
    return isCall && callee.name === "RegExp" ? [ofCall(nodesOf(given))] : [];
  });
}

function ofCall([source, flags, ...others]: Record<string, unknown>[]): Expression {
  const [pattern, letters = ""] = [source?.value, flags?.value];
  if (typeof pattern === "string" && typeof letters === "string" && others.length === 0)
    return { source: pattern, flags: letters };
  throw new Error("A regular expression that is put together at run time cannot be checked.");
}

/** The nodes of a syntax tree (ESTree), in the order of the code. */
function nodesOf(value: unknown): Record<string, unknown>[] {
  if (!isObject(value)) return [];
  const inside = Object.values(value).flatMap(nodesOf);
  return "type" in value ? [value, ...inside] : inside;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
