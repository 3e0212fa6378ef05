import type { Actor } from "./auth/actor.ts";
import type { Reader } from "./db/reader.ts";

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
  /** `off`: Link carries plain page numbers only, for clients that take nothing else. Anything else: page tokens. */
  PAGE_TOKENS?: string;
}

/** What Hono carries for one request. */
export interface App {
  Bindings: Env;
  Variables: {
    requestId: string;
    /** Set by http/session.ts: the database, for this request. */
    reader: Reader;
    /** Set by auth/authenticate.ts; only routes behind it may read it. */
    actor: Actor;
  };
}
