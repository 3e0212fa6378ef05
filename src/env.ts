/** Every binding and variable of the Worker (wrangler.toml, secrets, .dev.vars). */
export interface Env {
  /** The database: events, their scopes, users and tokens. */
  DB: D1Database;
  /** Accepted events on their way to the table; bodies are text (src/ingest/queue/message.ts). */
  INGEST_QUEUE: Queue<string>;
  /** Messages that could not be written, with the reason (src/ingest/dead-letters/message.ts), on their way to the table dead_letters. */
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
  /** `off`: Link carries plain page numbers only, for clients that take nothing else. Anything else: page tokens. */
  PAGE_TOKENS?: string;
  /** How we know who is asking: `local` (tokens and roles in DB) or `waldur` (tokens are shown to WALDUR_URL). */
  AUTH?: string;
  /** With AUTH=waldur: the base URL of the Waldur whose users may come. */
  WALDUR_URL?: string;
  /** With AUTH=waldur: instead of the Internet, e.g. a service binding to a Worker before Waldur. */
  WALDUR?: Pick<Fetcher, "fetch">;
  /** `off`: while Waldur does not answer, nobody gets in on what it said before. */
  WALDUR_STALE?: string;
  /** `off`: reads by staff and support leave no line in the log. */
  AUDIT?: string;
  /** Requests a minute by token, by address, and failed authentications by address (http/limits.ts). */
  TOKEN_RATE?: RateLimit;
  ADDRESS_RATE?: RateLimit;
  FAILURE_RATE?: RateLimit;
  /** The numbers of the three bindings, for the headers of a 429. */
  TOKEN_LIMIT?: number;
  ADDRESS_LIMIT?: number;
  FAILURE_LIMIT?: number;
}

/** The type parameter of every Hono app and context. Variables are declared by the middleware that sets them. */
export interface App {
  Bindings: Env;
}
