import type { D1Migration } from "cloudflare:test";
import type { Env as WorkerEnv } from "../../src/env.ts";

declare global {
  namespace Cloudflare {
    interface Env extends WorkerEnv {
      TEST_MIGRATIONS: D1Migration[];
      CHAOS_EVENTS: string;
      CHAOS_SEED: string;
      SEARCH_EVENTS: string;
    }
  }
}
