import type { Actor } from "./auth/actor.ts";

/** Every binding and variable of the Worker (wrangler.toml, secrets, .dev.vars). */
export interface Env {
  /** The database: events, their scopes, users and tokens. */
  DB: D1Database;
  /** Accepted events on their way to the table; bodies are text (src/ingest/message.ts). */
  INGEST_QUEUE: Queue<string>;
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
