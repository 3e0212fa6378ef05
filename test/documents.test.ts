/// <reference types="vite/types/importMeta.d.ts" />
import { describe, expect, it } from "vitest";
import { scripts } from "../package.json";

/** Path from the root of the repository → text. */
type Documents = Readonly<Record<string, string>>;

/** Lines of the README at the root, and of each README beside the code. */
const MAX_LINES = 150;
const MAX_LINES_BESIDE_CODE = 200;

const LINK = /\[[^\]]*\]\(([^)\s]+)\)/g;
/** A path from the root, also with `*` or `{one,other}`. What follows a slash is part of a URL or of another path. */
const PATH = /(?<![\w./-])(?:src|test|migrations|\.github|\.ci)\/[\w.*{},/-]*/g;
/** The name of a module, with or without its folder. */
const MODULE = /(?<![\w./-])[\w/-]+(?:\.test)?\.ts\b/g;
const SCRIPT = /npm (?:run (?:--silent )?([\w:-]+)|(start|test)\b)/g;
const FENCED = /^```[\s\S]*?^```$/gm;

/** Every file of the repository that documents may name, as a path from its root. The glob leaves out this file. */
const files = [
  "test/documents.test.ts",
  ...Object.keys(
    import.meta.glob(["../*", "../.ci/*", "../.github/**/*", "../migrations/*", "../src/**/*", "../test/**/*"]),
  ).map(fromRoot),
];

const documents: Documents = Object.fromEntries(
  Object.entries(
    import.meta.glob<string>(["../*.md", "../.github/*.md", "../src/**/*.md", "../test/**/*.md"], {
      query: "?raw",
      import: "default",
      eager: true,
    }),
  ).map(([path, text]) => [fromRoot(path), text]),
);

const tooLong = (all: Documents): string[] =>
  Object.entries(all)
    .filter(([path]) => path.endsWith("README.md"))
    .flatMap(([path, text]) => {
      const lines = text.trimEnd().split("\n").length;
      const max = path === "README.md" ? MAX_LINES : MAX_LINES_BESIDE_CODE;
      return lines <= max ? [] : [`${path}: ${lines} lines, at most ${max} are allowed`];
    });

/** Relative links to a file, a folder or a heading that does not exist. */
const deadLinks = (all: Documents): string[] =>
  matchesIn(all, LINK, (text) => text.replaceAll(FENCED, ""))
    .filter(([, target]) => !/^[a-z]+:/.test(target))
    .filter(([from, target]) => {
      const [path = "", heading] = target.split("#");
      const to = path === "" ? from : new URL(path, `file:///${from}`).pathname.slice(1);
      if (heading === undefined) return !exists(to);
      return !headingsOf(all[to] ?? "").includes(heading);
    })
    .map(([from, target]) => `${from}: ${target}`);

const deadPaths = (all: Documents): string[] =>
  matchesIn(all, PATH)
    .filter(([, path]) => !alternativesOf(path).every(exists))
    .map(([from, path]) => `${from}: ${path}`);

/** Guides may name files that should not exist, so only the READMEs are read. */
const deadModules = (all: Documents): string[] =>
  matchesIn(all, MODULE)
    .filter(([from]) => from.endsWith("README.md"))
    .filter(([, name]) => !files.some((file) => `/${file}`.endsWith(`/${name}`)))
    .map(([from, name]) => `${from}: ${name}`);

const deadScripts = (all: Documents): string[] =>
  matchesIn(all, SCRIPT)
    .filter(([, name]) => !Object.hasOwn(scripts, name))
    .map(([from, name]) => `${from}: ${name}`);

/** Variables of the Worker, and of the environment of the command line. */
const VARIABLES = [
  /^ {2}([A-Z_]+)\??: (?:string|number);$/gm,
  /\bprocess\.env\.(?!PATH\b|CLOUDFLARE_)([A-Z_]+)\b/g,
  /\b(?:secretOf|wholeNumber)\(env, "([A-Z_]+)"/g,
];

/** Variables that a source reads, and that no row of the README's table of settings names. */
const unknownSettings = (readme: string, source: string): string[] => {
  const rows = readme.split("\n").filter((line) => line.startsWith("|"));
  return VARIABLES.flatMap((pattern) => [...source.matchAll(pattern)].map(([, name = ""]) => name)).filter(
    (name) => !rows.some((row) => row.includes(`\`${name}\``)),
  );
};

function matchesIn(all: Documents, pattern: RegExp, cleaned = (text: string) => text): [from: string, match: string][] {
  return Object.entries(all).flatMap(([from, text]) =>
    [...cleaned(text).matchAll(pattern)].map((match): [string, string] => [from, match[1] ?? match[2] ?? match[0]]),
  );
}

function exists(path: string): boolean {
  const pattern = path
    .replace(/[.,/]+$/, "")
    .replaceAll(".", "\\.")
    .replaceAll("*", "[^/]*");
  const expression = new RegExp(`^${pattern}(/|$)`);
  return files.some((file) => expression.test(file));
}

/** `a/{b,c}` → `a/b`, `a/c`. */
function alternativesOf(path: string): string[] {
  const [, before = "", list, after = ""] = /^(.*?)\{([^}]*)\}(.*)$/.exec(path) ?? [];
  return list === undefined ? [path] : list.split(",").flatMap((one) => alternativesOf(before + one + after));
}

/** The anchors of the headings, as GitHub makes them. */
const headingsOf = (text: string): string[] =>
  [...text.replaceAll(FENCED, "").matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w -]/g, "")
      .replaceAll(" ", "-"),
  );

function fromRoot(path: string): string {
  return path.replace(/^(\.\.\/|\.\/)/, (start) => (start === "./" ? "test/" : ""));
}

describe("the documents", () => {
  it("are all read", () => {
    expect(Object.keys(documents)).toEqual(
      expect.arrayContaining(["README.md", "src/events/README.md", "src/ingest/README.md", "test/README.md"]),
    );
    expect(files).toEqual(expect.arrayContaining(["README.md", "LICENSE", "src/worker.ts", "test/documents.test.ts"]));
  });

  it("are short", () => {
    expect(tooLong(documents)).toEqual([]);
  });

  it("link only to files and headings that exist", () => {
    expect(deadLinks(documents)).toEqual([]);
  });

  it("name only paths that exist", () => {
    expect(deadPaths(documents)).toEqual([]);
  });

  it("name only modules that exist", () => {
    expect(deadModules(documents)).toEqual([]);
  });

  it("name only npm scripts that exist", () => {
    expect(deadScripts(documents)).toEqual([]);
  });

  it("name every setting in the README", () => {
    const sources = import.meta.glob<string>("../src/**/*.ts", { query: "?raw", import: "default", eager: true });
    const unknown = Object.values(sources).flatMap((source) => unknownSettings(documents["README.md"] ?? "", source));
    expect(unknown).toEqual([]);
  });
});

describe("a planted line is found:", () => {
  const planted = (line: string, path = "src/events/README.md"): Documents => ({
    [path]: `# Title\n\nSee [the worker](../worker.ts), \`src/worker.ts\` and \`npm run check\`.\n\n${line}\n`,
  });

  it("a line too many", () => {
    const lines = (count: number, path = "README.md"): Documents => ({ [path]: "line\n".repeat(count) });
    expect([...tooLong(lines(150)), ...tooLong(lines(200, "test/README.md"))]).toEqual([]);
    expect(tooLong(lines(151))).toEqual(["README.md: 151 lines, at most 150 are allowed"]);
    expect(tooLong(lines(201, "test/README.md"))).toEqual(["test/README.md: 201 lines, at most 200 are allowed"]);
  });

  it.each(["filters.ts", "../nowhere/", "../nowhere/README.md#title", "#no-title"])("a link to %s", (target) => {
    expect(deadLinks(planted(`[a link](${target})`))).toEqual([`src/events/README.md: ${target}`]);
  });

  it.each(["src/nowhere.ts", "test/nowhere", "src/catalogue/*.xml", "src/events/{list,nowhere}"])(
    "the path %s",
    (path) => {
      const found = [`src/events/README.md: ${path}`];
      expect(deadPaths(planted(`\`${path}\``))).toEqual(found);
      expect(deadPaths(planted(`\`\`\`\n${path}   a line of a diagram\n\`\`\``))).toEqual(found);
    },
  );

  it("a module in a diagram", () => {
    expect(deadModules(planted("```\n  filter.ts, filters.ts   a line of a diagram\n```"))).toEqual([
      "src/events/README.md: filters.ts",
    ]);
  });

  it("an npm script", () => {
    expect(deadScripts(planted("`npm run nothing`"))).toEqual(["src/events/README.md: nothing"]);
    expect(deadScripts(planted("```sh\nnpm run --silent nothing -- help\n```"))).toEqual([
      "src/events/README.md: nothing",
    ]);
  });

  it("a setting that no row names", () => {
    const readme = "| `PORT`, `AUTH` | the port |\n\n`AUDIT` is `off`.\n";
    const source =
      '  AUTH?: string;\n  LIMIT?: number;\n  DB: D1Database;\nprocess.env.AUDIT, process.env.PATH, secretOf(env, "PORT")';
    expect(unknownSettings(readme, source)).toEqual(["LIMIT", "AUDIT"]);
  });

  it("but not one that names what exists", () => {
    const all = planted(
      "[up](../../test), [title](#title), [site](https://example.org/src/x), `src/catalogue/*.json`, `src/events/{list,search}`, `npm test`, `filter.ts`",
    );
    expect([...deadLinks(all), ...deadPaths(all), ...deadModules(all), ...deadScripts(all)]).toEqual([]);
  });
});
