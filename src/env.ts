import type { Actor } from "./auth/actor.ts";

/** Every binding and variable of the Worker (wrangler.toml, secrets, .dev.vars). */
export interface Env {
  /** The database: events, their scopes, users and tokens. */
  DB: D1Database;
  /** Accepted events on their way to the table; bodies are text (src/ingest/message.ts). */
  INGEST_QUEUE: Queue<string>;
  /** Messages that could not be written, with the reason (src/ingest/death.ts), on their way to the table dead_letters. */
  INGEST_DEAD_LETTERS: Queue<string>;
  /** Accepted messages the queue did not take, dead ones the database did not take, and large bodies of dead letters. */
  SPILL: R2Bucket;
  /** Messages waiting in the queue above which producers are told to slow down (429). */
  INGEST_MAX_BACKLOG: string;
  /** What a 202 waits for: `queue`, or `store`, for a queue that lives in memory (npm start). */
  INGEST_DURABLE: string;
  /** Seconds an isolate remembers the table of producers. */
  PRODUCER_CACHE_SECONDS: string;
  /** Secret. JSON object: producer name → list of the secrets it may use, e.g. `{"waldur":["new","old"]}`. */
  INGEST_SECRETS?: string;
  /** Origins whose pages may read the API: `*`, or a comma-separated list of origins. */
  CORS_ORIGINS: string;
}

/** What Hono carries for one request. */
export interface App {
  Bindings: Env;
  Variables: {
    requestId: string;
    /** Set by auth/authenticate.ts; only routes behind it may read it. */
    actor: Actor;
  };
}
