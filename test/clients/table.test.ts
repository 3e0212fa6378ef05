/// <reference types="vite/types/importMeta.d.ts" />
import { describe, expect, it } from "vitest";
import { devDependencies } from "../interop/package.json";

/** Package → version. */
type Packages = Readonly<Record<string, string>>;
/** Path from the root of the repository → text. */
type Tests = Readonly<Record<string, string>>;

interface Row {
  /** The names of clients or tools, joined by " + ". */
  name: string;
  versions: string[];
  test: string;
}

const textsOf = (found: Record<string, string>): Tests =>
  Object.fromEntries(Object.entries(found).map(([path, text]) => [fromRoot(path), text]));

const fromRoot = (path: string): string => path.replace(/^\.\.\//, "test/").replace(/^\.\//, "test/clients/");

const tests = textsOf(
  import.meta.glob<string>(["../**/*.test.ts", "../interop/**/*.ts", "!../interop/node_modules/**"], {
    query: "?raw",
    import: "default",
    eager: true,
  }),
);
const [readme = ""] = Object.values(
  import.meta.glob<string>("../README.md", { query: "?raw", import: "default", eager: true }),
);

/** The rows of the table of clients and tools. */
function rowsOf(text: string): Row[] {
  const [, section = ""] = /^## Clients and tools of others\n([\s\S]*?)^## /m.exec(text) ?? [];
  const lines = section.split("\n").filter((line) => /^\| (?!client or tool)/.test(line));
  return lines.map((line) => {
    const [, name = "", version = "", , test = ""] = line.split("|").map((cell) => cell.trim());
    return { name, versions: version.split(" + "), test: test.replaceAll("`", "") };
  });
}

/** One line for each row that names a test or a version that is not there, and for each package without a row. */
function untruths(rows: readonly Row[], packages: Packages, files: Tests): string[] {
  const names = (name: string) => name.split(" + ").map((part) => part.replaceAll("`", ""));
  const noTest = rows
    .filter(({ test }) => files[test] === undefined)
    .map(({ name, test }) => `${name}: no test ${test}`);
  const wrongVersion = rows.flatMap(({ name, versions }) =>
    names(name).flatMap((part, index) => {
      const version = packages[part];
      return version === undefined || version === versions[index] ? [] : [`${part}: is installed as ${version}`];
    }),
  );
  const listed = new Set(rows.flatMap(({ name }) => names(name)));
  const used = Object.keys(packages).filter((name) => Object.entries(files).some((file) => runsPackage(file, name)));
  const noRow = used.filter((name) => !listed.has(name)).map((name) => `${name}: no row`);
  return [...noTest, ...wrongVersion, ...noRow];
}

const runsPackage = ([path, text]: [path: string, text: string], name: string): boolean =>
  path.startsWith("test/interop/") && new RegExp(`["'/]${name.replaceAll(/[/.]/g, "\\$&")}["'/]`).test(text);

describe("the table of clients and tools in test/README.md", () => {
  it("is read in full", () => {
    expect(rowsOf(readme).length).toBeGreaterThan(5);
    expect(Object.keys(tests)).toEqual(
      expect.arrayContaining([
        "test/clients/official.test.ts",
        "test/interop/debian/nginx.test.ts",
        "test/http/cors.test.ts",
      ]),
    );
  });

  it("names tests that exist, the versions that are installed, and every package that a test uses", () => {
    expect(untruths(rowsOf(readme), devDependencies, tests)).toEqual([]);
  });
});

describe("of such a table is found", () => {
  const table = (...lines: string[]) =>
    rowsOf(
      `## Clients and tools of others\n\n| client or tool | version | does | test |\n|---|---|---|---|\n${lines.join("\n")}\n\n## Next`,
    );
  const packages = { tool: "1.0.0", "@their/client": "2.0.0" };
  const files = { "test/interop/tool.test.ts": 'import tool from "tool";\nimport { x } from "@their/client";' };
  const row = (name: string, version: string, test = "test/interop/tool.test.ts") =>
    `| ${name} | ${version} | works | \`${test}\` |`;

  it("nothing, when it is true", () => {
    expect(
      untruths(table(row("tool + @their/client", "1.0.0 + 2.0.0"), row("nginx", "1.22")), packages, files),
    ).toEqual([]);
  });

  it("a test that is not there", () => {
    const rows = table(
      row("tool", "1.0.0"),
      row("@their/client", "2.0.0"),
      row("nginx", "1.22", "test/nowhere.test.ts"),
    );
    expect(untruths(rows, packages, files)).toEqual(["nginx: no test test/nowhere.test.ts"]);
  });

  it("a version that is not installed", () => {
    expect(untruths(table(row("`tool` + @their/client", "1.0.0 + 1.9.9")), packages, files)).toEqual([
      "@their/client: is installed as 2.0.0",
    ]);
  });

  it("a package without a row", () => {
    expect(untruths(table(row("tool", "1.0.0")), packages, files)).toEqual(["@their/client: no row"]);
  });
});
