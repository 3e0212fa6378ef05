/// <reference types="vite/types/importMeta.d.ts" />
import { describe, expect, it } from "vitest";

/** Path below src/ → source text. */
type Sources = Readonly<Record<string, string>>;

interface Import {
  from: string;
  /** As `resolved` returns it. */
  to: string;
}

/**
 * What the modules of a folder may import besides their own folder: folders (with a slash) and modules. `""` are the
 * modules at the top of src/. cli/ is the Node side and may import everything.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  values: [],
  db: ["values/"],
  http: ["values/", "db/", "env"],
  catalogue: ["http/", "env"],
  auth: ["values/", "db/", "http/", "env"],
  events: ["values/", "db/", "http/", "env", "catalogue/data", "auth/actor", "auth/permissions"],
  ingest: ["values/", "db/", "http/", "env", "events/"],
  feed: ["values/", "db/", "http/", "env", "events/", "auth/actor", "ingest/watermark/"],
  mirror: ["values/", "db/", "env", "events/log/", "events/write/", "ingest/backlog", "ingest/from-upstream"],
  operations: ["values/", "db/", "http/", "env", "events/", "ingest/", "mirror/"],
  // The Worker of `npm start`. Nothing imports it, so nothing of it is deployed.
  local: ["values/", "env", "worker", "ingest/queue/", "feed/bell"],
};

/** Routes may ask for the actor. Nothing but app.ts imports them. */
const ROUTES_MAY_IMPORT = ["auth/authenticate"];

/** The modules at the top, each with its own list. */
const TOP_MAY_IMPORT: Readonly<Record<string, RegExp>> = {
  worker: /^(app|cron|env|feed\/(bell|ring)|ingest\/(dead-letters\/)?consumer|ingest\/queue\/names)$/,
  app: /^([a-z-]+\/routes|auth\/audit|http\/[a-z-]+|env|openapi)$/,
  openapi: /^(env|http\/openapi(-refusals)?|(events|feed|ingest|operations)\/[a-z-]+)$/,
  cron: /^(env|http\/errors|events\/search\/job|operations\/numbers|ingest\/(?!routes$)[a-z/-]+|mirror\/job)$/,
  env: /^$/,
};

/** Modules of src/ that may know about HTTP requests and responses of Hono. */
const HONO = /^(app|env|openapi|cli\/.*|(http|auth)\/.*|[a-z-]+\/(routes|request|respond))$/;

/** The tables of events/. */
const EVENT_TABLES =
  "events|event_scopes|event_index|event_types|earlier_types|counters|search_totals|search_keys|event_terms|commit_watermark|log_changes|change_index|objects|object_moves";
const SQL_ON_EVENTS = new RegExp(`\\b(?:FROM|JOIN|INTO|UPDATE)\\s+(?:${EVENT_TABLES})\\b`);

/** Lines "a → b" for every import against the one direction: worker, app, routes, subjects, then http, db and values. */
const upwardImports = (files: Sources): string[] =>
  importsIn(files)
    .filter((edge) => !isAllowed(edge))
    .map(({ from, to }) => `${from} → ${to}`);

function isAllowed({ from, to }: Import): boolean {
  const folder = folderOf(from);
  if (folder === "cli") return true;
  if (to.startsWith("node:")) return false;
  if (!isModule(to)) return true;
  if (to.endsWith("/routes")) return from === "app";
  if (folder === "") return TOP_MAY_IMPORT[from]?.test(to) ?? false;
  if (folderOf(to) === folder) return true;
  const allowed = [...(MAY_IMPORT[folder] ?? []), ...(from.endsWith("/routes") ? ROUTES_MAY_IMPORT : [])];
  return allowed.some((entry) => (entry.endsWith("/") ? to.startsWith(entry) : to === entry));
}

/** The modules of each circle of imports, as lines "a → b → a". */
function circles(files: Sources): string[] {
  const edges = Map.groupBy(importsIn(files), ({ from }) => from);
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (module: string, path: readonly string[]) => {
    const start = path.indexOf(module);
    if (start >= 0) found.push([...path.slice(start), module].join(" → "));
    if (start >= 0 || done.has(module)) return;
    for (const { to } of edges.get(module) ?? []) visit(to, [...path, module]);
    done.add(module);
  };
  for (const module of edges.keys()) visit(module, []);
  return found;
}

/** Modules outside events/ with SQL on its tables, or with their definitions. */
const foreignSql = (files: Sources): string[] =>
  Object.entries(files)
    .filter(([path]) => folderOf(path) !== "events")
    .filter(([path, source]) => {
      const usesTable = importsIn({ [path]: source }).some(({ to }) => to === "events/table");
      return usesTable || SQL_ON_EVENTS.test(source);
    })
    .map(([path]) => path);

/** Modules that import Hono and should not. */
const foreignHono = (files: Sources): string[] =>
  importsIn(files)
    .filter(({ from, to }) => /^package:hono(\/|$)/.test(to) && !HONO.test(from))
    .map(({ from }) => from);

const IMPORT =
  /^(?:import|export)\s+(?:type\s)?(?:[^;'"]*?\sfrom\s+)?["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']\s*\)/gm;

const importsIn = (files: Sources): Import[] =>
  Object.entries(files).flatMap(([path, source]) => {
    const from = path.replace(/\.ts$/, "");
    return [...source.matchAll(IMPORT)].map(([, named, dynamic]) => ({
      from,
      to: resolved(from, named ?? dynamic ?? ""),
    }));
  });

/** A relative specifier as a path below src/ without `.ts`; a package as `package:name`, a built-in module as `node:name`. */
function resolved(from: string, specifier: string): string {
  if (!specifier.startsWith(".")) return specifier.includes(":") ? specifier : `package:${specifier}`;
  return new URL(specifier, `file:///${from}`).pathname.slice(1).replace(/\.ts$/, "");
}

const isModule = (path: string): boolean => !path.includes(":") && !path.endsWith(".json");

const folderOf = (path: string): string => (path.includes("/") ? path.slice(0, path.indexOf("/")) : "");

const sources: Sources = Object.fromEntries(
  Object.entries(import.meta.glob<string>("../src/**/*.ts", { query: "?raw", import: "default", eager: true })).map(
    ([path, source]) => [path.replace("../src/", ""), source],
  ),
);

/** The real sources with a line added to one of them. */
const planted = (path: string, line: string): Sources => ({ ...sources, [path]: `${sources[path] ?? ""}\n${line}\n` });

describe("the sources", () => {
  it("are all read, and their imports are found", () => {
    expect(Object.keys(sources)).toEqual(
      expect.arrayContaining(["worker.ts", "app.ts", "events/list/page.ts", "ingest/dead-letters/consumer.ts"]),
    );
    const edges = importsIn(sources);
    expect(edges).toContainEqual({ from: "worker", to: "ingest/consumer" });
    expect(edges).toContainEqual({ from: "events/list/page", to: "events/pagination" });
    expect(edges).toContainEqual({ from: "http/resource", to: "package:hono" });
  });

  it("import in one direction only", () => {
    expect(upwardImports(sources)).toEqual([]);
  });

  it("have no circle of imports", () => {
    expect(circles(sources)).toEqual([]);
  });

  it("have SQL on the tables of events in events/ only", () => {
    expect(foreignSql(sources)).toEqual([]);
  });

  it("import Hono only where a request or a response is handled", () => {
    expect(foreignHono(sources)).toEqual([]);
  });

  it("have at most 22 files in a folder and 250 lines in a file, the command line apart", () => {
    const folders = Map.groupBy(Object.keys(sources), (path) => path.split("/").slice(0, -1).join("/"));
    expect([...folders].filter(([folder, { length }]) => !folder.startsWith("cli") && length > 22)).toEqual([]);
    expect(Object.entries(sources).filter(([, source]) => source.split("\n").length > 251)).toEqual([]);
  });
});

describe("a planted line is found that", () => {
  it.each([
    ["worker.ts", 'import { mountEvents } from "./events/routes.ts";', "worker → events/routes"],
    ["app.ts", 'import { readFilter } from "./events/filter.ts";', "app → events/filter"],
    ["app.ts", 'import worker from "./worker.ts";', "app → worker"],
    ["env.ts", 'import { createApp } from "./app.ts";', "env → app"],
    ["env.ts", 'import type { Actor } from "./auth/actor.ts";', "env → auth/actor"],
    ["openapi.ts", 'import { mountEvents } from "./events/routes.ts";', "openapi → events/routes"],
    ["something.ts", 'import { readFilter } from "./events/filter.ts";', "something → events/filter"],
    ["events/filter.ts", 'import { mountEvents } from "./routes.ts";', "events/filter → events/routes"],
    ["events/write/record.ts", 'import type { A } from "../../ingest/event.ts";', "events/write/record → ingest/event"],
    ["events/filter.ts", 'import { a } from "../auth/authenticate.ts";', "events/filter → auth/authenticate"],
    ["events/routes.ts", 'import { findToken } from "../auth/tokens.ts";', "events/routes → auth/tokens"],
    ["events/routes.ts", 'import { createApp } from "../app.ts";', "events/routes → app"],
    ["ingest/consumer.ts", 'import { ring } from "../feed/ring.ts";', "ingest/consumer → feed/ring"],
    ["feed/ring.ts", 'import { consume } from "../ingest/consumer.ts";', "feed/ring → ingest/consumer"],
    ["feed/ring.ts", 'import { a } from "../auth/authenticate.ts";', "feed/ring → auth/authenticate"],
    ["events/filter.ts", 'import { ring } from "../feed/ring.ts";', "events/filter → feed/ring"],
    ["worker.ts", 'import { waitForEntry } from "./feed/wait.ts";', "worker → feed/wait"],
    ["ingest/accept.ts", 'import { mountEvents } from "../events/routes.ts";', "ingest/accept → events/routes"],
    ["mirror/job.ts", 'import { acceptEvents } from "../ingest/accept.ts";', "mirror/job → ingest/accept"],
    ["ingest/consumer.ts", 'import { mirrorWaldur } from "../mirror/job.ts";', "ingest/consumer → mirror/job"],
    ["catalogue/data.ts", 'import { readFilter } from "../events/filter.ts";', "catalogue/data → events/filter"],
    ["http/json.ts", 'import { eventTypesOf } from "../catalogue/data.ts";', "http/json → catalogue/data"],
    ["http/json.ts", 'import type { Actor } from "../auth/actor.ts";', "http/json → auth/actor"],
    ["db/client.ts", 'import { notFound } from "../http/errors.ts";', "db/client → http/errors"],
    ["db/client.ts", 'import { readFileSync } from "node:fs";', "db/client → node:fs"],
    ["worker.ts", 'import { withJournal } from "./local/journal.ts";', "worker → local/journal"],
    ["ingest/routes.ts", 'import { withJournal } from "../local/journal.ts";', "ingest/routes → local/journal"],
    ["values/time.ts", 'import { database } from "../db/client.ts";', "values/time → db/client"],
    ["events/filter.ts", 'import "../cli/import.ts";', "events/filter → cli/import"],
    ["events/filter.ts", 'const late = await import("../ingest/accept.ts");', "events/filter → ingest/accept"],
    ["events/filter.ts", 'export * from "../ingest/identity.ts";', "events/filter → ingest/identity"],
    [
      "events/filter.ts",
      'import {\n  a,\n  type B,\n} from "../ingest/identity.ts";',
      "events/filter → ingest/identity",
    ],
  ])("imports upwards, in %s: %s", (path, line, found) => {
    expect(upwardImports(planted(path, line))).toEqual([found]);
  });

  it("closes a circle of imports", () => {
    const found = circles(planted("values/uuid.ts", 'import { producedEvent } from "../ingest/event.ts";'));
    expect(found.length).toBeGreaterThan(0);
    expect(circles({ "a.ts": 'import "./b.ts";', "b.ts": 'import "./c.ts";', "c.ts": 'import "./a.ts";' })).toEqual([
      "a → b → c → a",
    ]);
  });

  it.each([
    ["ingest/receipts.ts", "const late = sql`SELECT id FROM events WHERE uuid = 1`;"],
    ["ingest/consumer.ts", "const late = sql`UPDATE commit_watermark SET epoch = epoch + 1`;"],
    ["auth/permissions.ts", 'import { objects } from "../events/table.ts";'],
  ])("has SQL on the tables of events, in %s: %s", (path, line) => {
    expect(foreignSql(planted(path, line))).toEqual([path]);
  });

  it.each([
    ["events/visibility.ts", 'import type { Context } from "hono";'],
    ["ingest/accept.ts", 'import { etag } from "hono/etag";'],
    ["events/list/page.ts", 'import type { Context } from "hono";'],
  ])("imports Hono, in %s: %s", (path, line) => {
    expect(foreignHono(planted(path, line))).toEqual([path.replace(".ts", "")]);
  });
});
