import type { D1Migration } from "cloudflare:test";
import type { Env as WorkerEnv } from "../../src/env.ts";

declare global {
  namespace Cloudflare {
    interface Env extends WorkerEnv {
      REPLICA_1: D1Database;
      REPLICA_2: D1Database;
      REPLICA_3: D1Database;
      TEST_MIGRATIONS: D1Migration[];
      REPLICA_SEQUENCES: string;
      FEED_HISTORIES: string;
      MIRROR_EVENTS: string;
      CHAOS_EVENTS: string;
      CHAOS_SEED: string;
      SEQUENCE_BATCHES: string;
      SEARCH_EVENTS: string;
    }
  }
}
