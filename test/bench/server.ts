import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { runWrangler } from "../../src/cli/wrangler.ts";
import { DEAD_LETTER_QUEUE_NAME, INGEST_QUEUE_NAME } from "../../src/ingest/queue/names.ts";
import { freePort } from "../end-to-end/local-server.ts";
import { CACHE, INGEST_SECRET, ROOT } from "./settings.ts";

const BUNDLE = join(CACHE, "bundle");

/** A line of the Worker's log. */
export type Logged = Readonly<Record<string, unknown>>;

export interface Server {
  mf: Miniflare;
  /** Straight to workerd, without Miniflare's own proxy. */
  url: string;
  bareUrl: string;
  /** Structured lines the Worker has logged since the last call. */
  takeLog(): Logged[];
}

/** Builds the Worker as it would be deployed; bytes of the bundle, gzipped. */
export async function build(): Promise<number> {
  mkdirSync(BUNDLE, { recursive: true });
  const { code, stderr } = await runWrangler(["deploy", "--dry-run", "--minify", "--outdir", BUNDLE]);
  if (code !== 0) throw new Error(stderr);
  return readdirSync(BUNDLE)
    .filter((file) => file.endsWith(".js"))
    .reduce((sum, file) => sum + gzipSync(readFileSync(join(BUNDLE, file))).byteLength, 0);
}

/** The built Worker and the bare one over the same database, which lives in `state`. */
export async function serve(state: string, options: { inspectorPort?: number } = {}): Promise<Server> {
  let logged: Logged[] = [];
  const [port, barePort] = [await freePort(), await freePort()];
  const shared = { compatibilityDate: "2026-11-01", modules: true, d1Databases: { DB: "bench" } };
  const mf = new Miniflare(
    convertV4MiniflareOptions({
      resourcePersistencePath: state,
      ...options,
      cf: false,
      handleStructuredLogs: ({ message }) => {
        if (message.startsWith("{")) logged.push(JSON.parse(message));
      },
      workers: [
        {
          ...shared,
          name: "ours",
          modules: [{ type: "ESModule", path: "worker.js", contents: readFileSync(join(BUNDLE, "worker.js"), "utf8") }],
          bindings: { INGEST_SECRETS: JSON.stringify({ bench: [INGEST_SECRET] }), ...VARIABLES },
          queueProducers: { INGEST_QUEUE: INGEST_QUEUE_NAME, INGEST_DEAD_LETTERS: DEAD_LETTER_QUEUE_NAME },
          queueConsumers: { [INGEST_QUEUE_NAME]: QUEUE, [DEAD_LETTER_QUEUE_NAME]: QUEUE },
          r2Buckets: { SPILL: "spill" },
          durableObjects: { FEED_BELL: { className: "Bell", useSQLite: true } },
          unsafeDirectSockets: [{ host: "127.0.0.1", port }],
        },
        {
          ...shared,
          name: "bare",
          script: readFileSync(join(import.meta.dirname, "bare-worker.js"), "utf8"),
          unsafeDirectSockets: [{ host: "127.0.0.1", port: barePort }],
        },
      ],
    }),
  );
  await mf.ready;
  const takeLog = () => {
    const lines = logged;
    logged = [];
    return lines;
  };
  return { mf, url: `http://127.0.0.1:${port}`, bareUrl: `http://127.0.0.1:${barePort}`, takeLog };
}

/**
 * As wrangler.toml has them, but without a log line for each read: locally it is Node that reads the log, on the cores
 * that the benchmark needs. Rate limits are left out, for the same reason: deployed, they wait for nothing.
 */
const VARIABLES = {
  CORS_ORIGINS: "*",
  PAGE_TOKENS: "on",
  AUTH: "local",
  AUDIT: "off",
  INGEST_MAX_BACKLOG: "100000",
  PRODUCER_CACHE_SECONDS: "30",
};

/** As in wrangler.toml. */
const QUEUE = { maxBatchSize: 25, maxBatchTimeout: 1 };

/** What the stored data is made by: another schema, writer or generator needs another state. */
const MAKERS = [
  "migrations",
  "src/events/write/record.ts",
  "src/events/write/prepare.ts",
  "src/events/write/identity.ts",
  "src/events/objects/learn.ts",
  "src/events/counters/write.ts",
  "src/events/search/terms.ts",
  "src/events/scopes.ts",
  "src/cli/sample-events.mjs",
];

/** Short hash of the files that make the stored data. */
export function schemaId(): string {
  const hash = createHash("sha256");
  for (const maker of MAKERS.flatMap(filesOf)) hash.update(readFileSync(maker));
  return hash.digest("hex").slice(0, 12);
}

function filesOf(maker: string): string[] {
  const path = join(ROOT, maker);
  return maker.includes(".")
    ? [path]
    : readdirSync(path)
        .sort()
        .map((file) => join(path, file));
}
