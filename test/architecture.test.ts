/// <reference types="vite/types/importMeta.d.ts" />
import { describe, expect, it } from "vitest";

/** Path below src/ → source text. */
type Sources = Readonly<Record<string, string>>;

interface Import {
  from: string;
  /** As `resolved` gives it. */
  to: string;
  typeOnly: boolean;
}

/** What any module may use. */
const COMMON = ["auth/actor", "catalogue/data", "env"];
const COMMON_FOLDERS = ["http", "db", "values"];
/** Which other subjects a subject may use, and by which modules. */
const SUBJECT_MAY_USE: Readonly<Record<string, RegExp>> = {
  ingest: /^events\/(?!routes$)/,
  events: /^auth\/permissions$/,
};
/** What modules at the top may use besides. */
const TOP_MAY_USE: Readonly<Record<string, RegExp>> = {
  worker: /^(app|cron|ingest\/(dead-letters\/)?consumer|ingest\/queue\/names)$/,
  app: /^([a-z-]+\/routes|auth\/audit|openapi)$/,
  openapi: /^[a-z-]+\/(?!routes$)/,
  cron: /^[a-z-]+\/(?!routes$)/,
  env: /^$/,
};

/** Lines "a → b" for every import that goes against the one direction: worker, app, routes, the rest of a subject, http and db. */
function violations(files: Sources): string[] {
  return Object.entries(files)
    .flatMap(([path, source]) => importsOf(path, source))
    .filter((edge) => !isAllowed(edge))
    .map(({ from, to }) => `${from} → ${to}`);
}

function isAllowed({ from, to, typeOnly }: Import): boolean {
  const subject = folderOf(from);
  if (subject === "cli") return true;
  if (to.startsWith("node:")) return false;
  if (!isModule(to)) return true;
  if (folderOf(to) === "cli") return false;
  if (COMMON_FOLDERS.includes(subject)) {
    return (
      folderOf(to) === subject ||
      (subject === "http" && folderOf(to) === "db") ||
      (subject !== "values" && folderOf(to) === "values") ||
      (subject !== "values" && typeOnly && ["env", "auth/actor"].includes(to))
    );
  }
  if (COMMON.includes(to) || COMMON_FOLDERS.includes(folderOf(to))) return true;
  if (subject === "") return TOP_MAY_USE[from]?.test(to) ?? false;
  if (folderOf(to) === subject) return !to.endsWith("/routes");
  if (from.endsWith("/routes") && to === "auth/authenticate") return true;
  return SUBJECT_MAY_USE[subject]?.test(to) ?? false;
}

const IMPORT =
  /^(?:import|export)\s+(type\s)?(?:[^;'"]*?\sfrom\s+)?["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']\s*\)/gm;

function importsOf(path: string, source: string): Import[] {
  const from = path.replace(/\.ts$/, "");
  return [...source.matchAll(IMPORT)].map(([, type, named, dynamic]) => ({
    from,
    to: resolved(from, named ?? dynamic ?? ""),
    typeOnly: type !== undefined,
  }));
}

/** A relative specifier as a path below src/ without `.ts`; a package as `package:name`, `node:name` or the like. */
function resolved(from: string, specifier: string): string {
  if (!specifier.startsWith(".")) return specifier.includes(":") ? specifier : `package:${specifier}`;
  return new URL(specifier, `file:///${from}`).pathname.slice(1).replace(/\.ts$/, "");
}

const isModule = (path: string): boolean => !path.includes(":") && !path.endsWith(".json");

const folderOf = (path: string): string => (path.includes("/") ? path.slice(0, path.indexOf("/")) : "");

const sources = Object.fromEntries(
  Object.entries(import.meta.glob<string>("../src/**/*.ts", { query: "?raw", import: "default", eager: true })).map(
    ([path, source]) => [path.replace("../src/", ""), source],
  ),
);

describe("the sources", () => {
  it("import in one direction only", () => {
    expect(violations(sources)).toEqual([]);
  });

  it("are all looked at, their imports found", () => {
    expect(Object.keys(sources)).toEqual(
      expect.arrayContaining(["worker.ts", "app.ts", "events/routes.ts", "ingest/consumer.ts", "http/resource.ts"]),
    );
    const edges = Object.entries(sources).flatMap(([path, source]) => importsOf(path, source));
    expect(edges).toContainEqual({ from: "worker", to: "ingest/consumer", typeOnly: false });
    expect(edges).toContainEqual({ from: "http/negotiate", to: "env", typeOnly: true });
    expect(edges).toContainEqual({ from: "http/resource", to: "env", typeOnly: true });
  });
});

it("a line that breaks the direction is found", () => {
  const breaking: [path: string, line: string, violation: string][] = [
    ["worker.ts", 'import { mountEvents } from "./events/routes.ts";', "worker → events/routes"],
    ["app.ts", 'import { readFilter } from "./events/filter.ts";', "app → events/filter"],
    ["app.ts", 'import worker from "./worker.ts";', "app → worker"],
    ["env.ts", 'import { createApp } from "./app.ts";', "env → app"],
    ["openapi.ts", 'import { mountEvents } from "./events/routes.ts";', "openapi → events/routes"],
    ["something.ts", 'import { readFilter } from "./events/filter.ts";', "something → events/filter"],
    ["events/filter.ts", 'import { mountEvents } from "./routes.ts";', "events/filter → events/routes"],
    [
      "events/conditions.ts",
      'import { unpackMessage } from "../ingest/message.ts";',
      "events/conditions → ingest/message",
    ],
    [
      "events/conditions.ts",
      'import type { Message } from "../ingest/message.ts";',
      "events/conditions → ingest/message",
    ],
    [
      "events/filter.ts",
      'import { authenticate } from "../auth/authenticate.ts";',
      "events/filter → auth/authenticate",
    ],
    ["events/routes.ts", 'import { findTokenUser } from "../auth/tokens.ts";', "events/routes → auth/tokens"],
    ["events/routes.ts", 'import { createApp } from "../app.ts";', "events/routes → app"],
    ["ingest/accept.ts", 'import { mountEvents } from "../events/routes.ts";', "ingest/accept → events/routes"],
    [
      "ingest/formats/waldur.ts",
      'import { mountIngest } from "../routes.ts";',
      "ingest/formats/waldur → ingest/routes",
    ],
    ["catalogue/data.ts", 'import { readFilter } from "../events/filter.ts";', "catalogue/data → events/filter"],
    ["http/json.ts", 'import { eventTypesOf } from "../catalogue/data.ts";', "http/json → catalogue/data"],
    ["http/json.ts", 'import { seesEverything } from "../auth/actor.ts";', "http/json → auth/actor"],
    ["db/client.ts", 'import { notFound } from "../http/errors.ts";', "db/client → http/errors"],
    ["db/client.ts", 'import { events } from "../events/table.ts";', "db/client → events/table"],
    [
      "db/client.ts",
      'import type { EventRow } from "../events/representation.ts";',
      "db/client → events/representation",
    ],
    ["db/client.ts", 'import { readFileSync } from "node:fs";', "db/client → node:fs"],
    ["values/time.ts", 'import "../cli/import.ts";', "values/time → cli/import"],
    ["events/filter.ts", 'const late = await import("../ingest/routes.ts");', "events/filter → ingest/routes"],
    ["events/filter.ts", 'export * from "../ingest/identity.ts";', "events/filter → ingest/identity"],
    [
      "events/filter.ts",
      'import {\n  one,\n  type Two,\n} from "../ingest/identity.ts";',
      "events/filter → ingest/identity",
    ],
  ];

  for (const [path, line, violation] of breaking) {
    expect(violations({ [path]: `import * as v from "valibot";\n${line}\n` })).toEqual([violation]);
  }
});

it("a line that keeps it is let through", () => {
  const keeping: [path: string, line: string][] = [
    ["worker.ts", 'import { createApp } from "./app.ts";'],
    ["worker.ts", 'import { consume } from "./ingest/consumer.ts";'],
    ["app.ts", 'import { mountEvents } from "./events/routes.ts";'],
    ["app.ts", 'import { cors } from "./http/cors.ts";'],
    ["events/routes.ts", 'import { authenticate } from "../auth/authenticate.ts";'],
    ["events/routes.ts", 'import { conditions } from "./conditions.ts";'],
    ["events/conditions.ts", 'import { type Actor, seesEverything } from "../auth/actor.ts";'],
    ["events/visibility.ts", 'import { accessTo } from "../auth/permissions.ts";'],
    ["events/conditions.ts", 'import { typeNumber } from "../catalogue/data.ts";'],
    ["ingest/consumer.ts", 'import { recordEvents } from "../events/write/record.ts";'],
    ["ingest/formats/waldur.ts", 'import { parseJson } from "../json.ts";'],
    ["http/resource.ts", 'import type { Actor } from "../auth/actor.ts";'],
    ["http/resource.ts", 'import { jsonText } from "./json.ts";'],
    ["cli/import.ts", 'import { readFileSync } from "node:fs";'],
    ["catalogue/data.ts", 'import groups from "./event-groups.json" with { type: "json" };'],
  ];

  for (const [path, line] of keeping) expect(violations({ [path]: `${line}\n` }), line).toEqual([]);
});
