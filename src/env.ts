/** Every binding and variable of the Worker (wrangler.toml, secrets, .dev.vars). */
export interface Env {
  /** The database. */
  DB: D1Database;
  /** Accepted events and counts of rejected requests, as text (src/ingest/queue/message.ts). */
  INGEST_QUEUE: Queue<string>;
  /** Messages that could not be written, with the reason (src/ingest/dead-letters/message.ts). */
  INGEST_DEAD_LETTERS: Queue<string>;
  /**
   * Accepted messages that the queue did not take, dead ones that the database did not take, large bodies of dead letters,
   * and how far the log has come.
   */
  SPILL: R2Bucket;
  /** The object that tells waiting readers of commits (src/feed/bell.ts). Without it they look for themselves. */
  FEED_BELL?: { getByName(name: string): BellCalls };
  /** The number of waiting messages above which producers get 429. */
  INGEST_MAX_BACKLOG: string;
  /** Seconds that an isolate caches the table of producers. */
  PRODUCER_CACHE_SECONDS: string;
  /** Secret. A JSON object: producer → its secrets, e.g. `{"waldur":["new","old"]}`. */
  INGEST_SECRETS?: string;
  /** Secret. Whoever has it may read /metrics, and nothing else; at least 20 characters (src/operations/README.md). */
  METRICS_TOKEN?: string;
  /** The deployment that runs. Absent in tests of parts. */
  VERSION?: WorkerVersionMetadata;
  /** Origins whose pages may read the API: `*`, or a comma-separated list. */
  CORS_ORIGINS: string;
  /** The origin of the URLs in Link headers, e.g. `https://waldur.example.com` of a reverse proxy. Default: the request's. */
  PUBLIC_ORIGIN?: string;
  /** `off`: Link headers have page numbers only. Default: page tokens. */
  PAGE_TOKENS?: string;
  /**
   * How users are identified: `local` (tokens and roles in DB, the default) or `waldur` (by the Waldur of
   * WALDUR_URL).
   */
  AUTH?: string;
  /** The base URL of the Waldur whose users have access, with AUTH=waldur, and whose history is mirrored. */
  WALDUR_URL?: string;
  /** Secret. A token of a staff user of that Waldur, for the mirror (src/mirror). */
  WALDUR_MIRROR_TOKEN?: string;
  /** With AUTH=waldur: replaces the Internet, e.g. by a service binding to a Worker in front of Waldur. */
  WALDUR?: Pick<Fetcher, "fetch">;
  /** `off`: earlier answers of Waldur are not used while it does not answer. */
  WALDUR_STALE?: string;
  /** `off`: reads by staff and support are not logged. */
  AUDIT?: string;
  /**
   * Limits on requests a minute by token and by address, and on failed authentications by address
   * (src/http/limits.ts).
   */
  TOKEN_RATE?: RateLimit;
  ADDRESS_RATE?: RateLimit;
  FAILURE_RATE?: RateLimit;
  /** The numbers of the three limits, for the headers of a 429. */
  TOKEN_LIMIT?: number;
  ADDRESS_LIMIT?: number;
  FAILURE_LIMIT?: number;
  /**
   * Rows a minute that one token may read to count searches that nobody has counted before, in each isolate
   * (src/events/search/row-budget.ts).
   */
  SEARCH_ROWS_LIMIT?: number;
}

/** What the Worker calls of the object behind FEED_BELL. */
interface BellCalls {
  ring(end: number): Promise<void>;
  wait(after: number, ms: number): Promise<number>;
}

/** The type parameter of every Hono app and context. Variables are declared by the middleware that sets them. */
export interface App {
  Bindings: Env;
}
