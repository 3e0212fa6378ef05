import { dirname } from "node:path";
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

const HANGING_MS = 600_000;
const root = `${dirname(import.meta.dirname)}/`;

export default defineConfig(async () => ({
  root,
  plugins: [
    cloudflareTest({
      wrangler: { configPath: `${root}wrangler.toml` },
      miniflare: {
        // Read replicas of DB (test/cloud/replicas.ts).
        d1Databases: ["REPLICA_1", "REPLICA_2", "REPLICA_3"],
        bindings: {
          AUDIT: "off",
          // Whatever the developer's .dev.vars say.
          AUTH: "local",
          TEST_MIGRATIONS: await readD1Migrations(`${root}migrations`),
          CHAOS_EVENTS: process.env.CHAOS_EVENTS ?? "3000",
          SEARCH_EVENTS: process.env.SEARCH_EVENTS ?? "12000",
          CHAOS_SEED: process.env.CHAOS_SEED ?? "1",
          SEQUENCE_BATCHES: process.env.SEQUENCE_BATCHES ?? "300",
          MIRROR_EVENTS: process.env.MIRROR_EVENTS ?? "4000",
          REPLICA_SEQUENCES: process.env.REPLICA_SEQUENCES ?? "100",
          FEED_HISTORIES: process.env.FEED_HISTORIES ?? "10",
          // No isolate keeps a table of producers: every test has its own, and some stop the clock at an earlier time.
          PRODUCER_CACHE_SECONDS: "-Infinity",
          INGEST_SECRETS: JSON.stringify({
            waldur: { secrets: ["waldur-secret"], tells_places: true, is_upstream: true },
            rotating: ["new-secret", "old-secret"],
          }),
        },
      },
    }),
  ],
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/end-to-end/**", "test/interop/**"],
    setupFiles: ["./test/support/setup.ts"],
    isolate: false,
    maxWorkers: 2,
    expect: { requireAssertions: true },
    // What the Worker logs is printed for a test that fails.
    silent: "passed-only" as const,
    // Ends a test that hangs; no test fails because the machine is slow.
    testTimeout: HANGING_MS,
    hookTimeout: HANGING_MS,
  },
}));
