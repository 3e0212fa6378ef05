/// <reference types="vite/types/importMeta.d.ts" />
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { CRON_LINES, DATABASE_BINDING, DATABASE_NAME, LOCAL_DATABASE_ID, SPILL_BUCKET_NAME } from "../src/cli/names.ts";
import { runJobs } from "../src/cron.ts";
import { DEAD_LETTER_QUEUE_NAME, INGEST_QUEUE_NAME } from "../src/ingest/queue/names.ts";
import * as localWorker from "../src/local/worker.ts";
import * as worker from "../src/worker.ts";
import { bindings } from "./support/world.ts";

/** A table of a TOML file. Strings are without their quotes; other values are as they are written. */
interface TomlTable {
  name: string;
  values: Record<string, string>;
}

/** Reads the tables and the keys of one line, which is all that wrangler.toml uses. */
function tablesOf(toml: string): TomlTable[] {
  let values: TomlTable["values"] = {};
  const tables: TomlTable[] = [{ name: "", values }];
  for (const line of toml.split("\n")) {
    const [, name] = /^\[+([\w.]+)\]+$/.exec(line) ?? [];
    if (name !== undefined) {
      values = {};
      tables.push({ name, values });
    }
    const [, key, value] = /^(\w+) = (.+)$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined) values[key] = value.replace(/^"(.*)"$/, "$1");
  }
  return tables;
}

const valuesOf = (toml: string, name: string): TomlTable["values"][] =>
  tablesOf(toml)
    .filter((table) => table.name === name)
    .map(({ values }) => values);

/** The names that the Worker finds in its Env: variables, bindings, rate limits and Durable Objects. */
function configuredNames(toml: string): string[] {
  const variables = valuesOf(toml, "vars").flatMap(Object.keys);
  const named = ["ratelimits", "durable_objects.bindings"].flatMap((table) => valuesOf(toml, table));
  const bindings = tablesOf(toml).flatMap(({ values: { binding } }) => (binding === undefined ? [] : [binding]));
  return [...variables, ...named.map(({ name = "" }) => name), ...bindings];
}

interface Member {
  name: string;
  isOptional: boolean;
  /** Secrets are not in wrangler.toml. Their docstring starts with "Secret." */
  isSecret: boolean;
}

function membersOf(envSource: string): Member[] {
  const [, body = ""] = /export interface Env \{\n([\s\S]*?)\n\}/.exec(envSource) ?? [];
  const members = body.matchAll(/(?:\/\*\*([\s\S]*?)\*\/\n)?^ {2}(\w+)(\??):/gm);
  return [...members].map(([, comment = "", name = "", mark]) => ({
    name,
    isOptional: mark === "?",
    isSecret: /^[\s*]*Secret\./.test(comment),
  }));
}

/** One line for each name that wrangler.toml or Env has and the other lacks. */
function nameDifferences(toml: string, envSource: string): string[] {
  const names = configuredNames(toml);
  const members = membersOf(envSource);
  const notInEnv = names.filter((name) => !members.some((member) => member.name === name));
  const notConfigured = members.filter(
    ({ name, isOptional, isSecret }) => !isOptional && !isSecret && !names.includes(name),
  );
  return [
    ...notInEnv.map((name) => `${name} is in wrangler.toml, not in Env`),
    ...notConfigured.map(({ name }) => `${name} is in Env, not in wrangler.toml`),
  ];
}

/** What wrangler.toml says about queues: who sends to them, who reads them, where dead messages go. */
const queuesOf = (toml: string) => ({
  bindings: Object.fromEntries(valuesOf(toml, "queues.producers").map(({ binding, queue }) => [binding, queue])),
  consumed: valuesOf(toml, "queues.consumers").map(({ queue }) => queue),
  deadLetterQueues: valuesOf(toml, "queues.consumers").map(({ dead_letter_queue }) => dead_letter_queue),
});

const QUEUES = {
  bindings: { INGEST_QUEUE: INGEST_QUEUE_NAME, INGEST_DEAD_LETTERS: DEAD_LETTER_QUEUE_NAME },
  consumed: [INGEST_QUEUE_NAME, DEAD_LETTER_QUEUE_NAME],
  deadLetterQueues: [DEAD_LETTER_QUEUE_NAME, undefined],
};

const [wranglerToml = ""] = Object.values(
  import.meta.glob<string>("../wrangler.toml", { query: "?raw", import: "default", eager: true }),
);
const [envSource = ""] = Object.values(
  import.meta.glob<string>("../src/env.ts", { query: "?raw", import: "default", eager: true }),
);

describe("wrangler.toml", () => {
  it("has the bindings and variables of Env, and no others", () => {
    expect(nameDifferences(wranglerToml, envSource)).toEqual([]);
  });

  it("is compared in full: variables, rate limits, bindings, secrets", () => {
    expect(configuredNames(wranglerToml)).toEqual(
      expect.arrayContaining(["CORS_ORIGINS", "TOKEN_RATE", "FEED_BELL", "DB", "INGEST_QUEUE", "INGEST_DEAD_LETTERS"]),
    );
    expect(membersOf(envSource)).toContainEqual({ name: "INGEST_SECRETS", isOptional: true, isSecret: true });
    expect(membersOf(envSource)).toContainEqual({ name: "DB", isOptional: false, isSecret: false });
  });

  it("names the queues that the Worker consumes and the deployment creates", () => {
    expect(queuesOf(wranglerToml)).toEqual(QUEUES);
  });

  it("declares the class of each Durable Object, and both Workers export it", () => {
    const classes = valuesOf(wranglerToml, "durable_objects.bindings").map(({ class_name }) => class_name);
    expect(classes).toEqual(["Bell"]);
    expect(valuesOf(wranglerToml, "exports.Bell")).toEqual([{ type: "durable-object", storage: "sqlite" }]);
    expect([Object.keys(worker), Object.keys(localWorker)]).toEqual([
      ["Bell", "default"],
      ["Bell", "default"],
    ]);
  });

  it("names the database and the bucket that the command line uses", () => {
    expect(valuesOf(wranglerToml, "d1_databases")).toEqual([
      {
        binding: DATABASE_BINDING,
        database_name: DATABASE_NAME,
        migrations_dir: "migrations",
        preview_database_id: LOCAL_DATABASE_ID,
      },
    ]);
    expect(valuesOf(wranglerToml, "r2_buckets")).toEqual([{ binding: "SPILL", bucket_name: SPILL_BUCKET_NAME }]);
  });

  it("has the cron lines that npm start runs, and each of them has jobs", async () => {
    const [{ crons = "" } = {}] = valuesOf(wranglerToml, "triggers");
    expect(JSON.parse(crons)).toEqual(CRON_LINES);
    for (const line of CRON_LINES) await runJobs(line, bindings());
    await expect(runJobs("0 0 * * *", env)).rejects.toThrow("0 0 * * *");
  });
});

describe("the comparison with wrangler.toml finds", () => {
  it.each([
    ["a variable", "[vars]", '[vars]\nPLANTED = "on"'],
    ["a binding", "[[r2_buckets]]", '[[r2_buckets]]\nbinding = "PLANTED"\n\n[[r2_buckets]]'],
    [
      "a Durable Object",
      "[[durable_objects.bindings]]",
      '[[durable_objects.bindings]]\nname = "PLANTED"\n\n[[durable_objects.bindings]]',
    ],
    ["a rate limit", "[[ratelimits]]", '[[ratelimits]]\nname = "PLANTED"\n\n[[ratelimits]]'],
  ])("%s that Env lacks", (_, line, planted) => {
    const toml = wranglerToml.replace(line, () => planted);
    expect(nameDifferences(toml, envSource)).toEqual(["PLANTED is in wrangler.toml, not in Env"]);
  });

  it("a member of Env that is in no table, unless it is optional or a secret", () => {
    const difference = "PLANTED is in Env, not in wrangler.toml";
    const planted = (lines: string) => envSource.replace("export interface Env {", `export interface Env {\n${lines}`);

    expect(nameDifferences(wranglerToml, planted("  PLANTED: string;"))).toEqual([difference]);
    expect(nameDifferences(wranglerToml, planted("  PLANTED?: string;"))).toEqual([]);
    expect(nameDifferences(wranglerToml, planted("  /** Secret. A key. */\n  PLANTED: string;"))).toEqual([]);
  });

  it.each([
    ["producer", 'binding = "INGEST_QUEUE"\nqueue = ', INGEST_QUEUE_NAME],
    ["consumer", "[[queues.consumers]]\nqueue = ", INGEST_QUEUE_NAME],
    ["dead-letter queue", "dead_letter_queue = ", DEAD_LETTER_QUEUE_NAME],
  ])("a %s with another queue", (_, key, name) => {
    expect(wranglerToml).toContain(`${key}"${name}"`);
    const toml = wranglerToml.replace(`${key}"${name}"`, `${key}"planted"`);
    expect(queuesOf(toml)).not.toEqual(QUEUES);
  });
});
