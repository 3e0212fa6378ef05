import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { DatabaseSync } from "node:sqlite";
import { text } from "node:stream/consumers";

/**
 * Stands in for Cloudflare's API under the real wrangler 4.156.2 (its variable CLOUDFLARE_API_BASE_URL), as far as
 * `npm run deploy` uses it. Databases are real ones of SQLite; each query is a transaction, as a call of D1 is.
 *
 * Known: the paths, and what wrangler sends to them and reads of the answers, from its code; the codes of errors, as
 * test/cloud/wrangler.ts says. Assumed: what wrangler does not look at, such as the rest of each answer; and that the
 * filter of queues takes whole names, on which wrangler relies when it connects a consumer.
 */
export class CloudflareApi {
  readonly database = new DatabaseSync(":memory:");
  /** Requests that change something, without the account, with the start of their bodies. */
  readonly changes: string[] = [];
  readonly queues: string[] = [];
  readonly buckets: string[] = [];
  readonly databases = new Map<string, { mode: string }>();
  /** What each upload said of the classes of Durable Objects. */
  readonly classes: unknown[] = [];
  /** The number of migrations that were applied when the Worker was uploaded first. */
  migratedBefore: unknown;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  static async start(): Promise<CloudflareApi> {
    const api = new CloudflareApi();
    await once(api.#server.listen(0, "127.0.0.1"), "listening");
    return api;
  }

  get url(): string {
    const address = this.#server.address();
    return `http://127.0.0.1:${address !== null && typeof address === "object" ? address.port : 0}`;
  }

  stop(): void {
    this.#server.close();
    this.database.close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [status, body] = this.#answer(request, await text(request));
    response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
  }

  #answer({ method = "", url = "" }: IncomingMessage, body: string): [status: number, body: object] {
    const { pathname, searchParams } = new URL(url, "http://api");
    const path = pathname.replace("/accounts/account-1", "");
    const isQuery = path.endsWith("/query") || path === "/graphql";
    if (method !== "GET" && !isQuery) this.changes.push(`${method} ${path} ${body.slice(0, 60)}`);
    try {
      return [200, { success: true, errors: [], messages: [], result: this.#result(method, path, searchParams, body) }];
    } catch (error) {
      const { status, code, message } = error instanceof ApiError ? error : new ApiError(500, 7500, String(error));
      return [status, { success: false, errors: [{ code, message }], messages: [], result: null }];
    }
  }

  #result(method: string, path: string, search: URLSearchParams, body: string): unknown {
    const [, first = "", second = "", third = ""] = path.split("/");
    if (first === "queues") return this.#queue(method, second, search.get("name"), body);
    if (first === "r2") return this.#bucket(method, third, body);
    if (first === "d1") return this.#databaseCall(method, third, path.endsWith("/query"), body);
    if (first === "workers") return this.#worker(method, path, body);
    if (path === "/graphql") return {};
    throw new ApiError(404, 7003, `The stand-in has no ${method} ${path}.`);
  }

  #queue(method: string, id: string, name: string | null, body: string): unknown {
    if (id !== "") return {};
    if (method === "POST") return add(this.queues, JSON.parse(body).queue_name, new ApiError(409, 11009, "Taken."));
    const found = this.queues.filter((one) => name === null || one === name);
    return found.map((one) => ({
      ...{ queue_id: one, queue_name: one, producers: [], consumers: [] },
      ...{ producers_total_count: 0, consumers_total_count: 0 },
    }));
  }

  #bucket(method: string, name: string, body: string): unknown {
    if (method === "POST") return add(this.buckets, JSON.parse(body).name, new ApiError(409, 10004, "You own it."));
    if (this.buckets.includes(name)) return { name };
    throw new ApiError(404, 10006, "The specified bucket does not exist.");
  }

  /** The id of a database is its name with a prefix. */
  #databaseCall(method: string, nameOrId: string, isQuery: boolean, body: string): unknown {
    const name = nameOrId.replace(/^id-of-/, "") || JSON.parse(body || "{}").name;
    const known = this.databases.get(name);
    if (nameOrId === "") {
      if (known !== undefined) throw new ApiError(400, 7502, "Taken.");
      this.databases.set(name, { mode: "disabled" });
    } else if (known === undefined) throw new ApiError(404, 7404, "The database was not found.");
    else if (isQuery) return this.#query(JSON.parse(body).sql);
    else if (method === "PUT") known.mode = JSON.parse(body).read_replication.mode;
    return { uuid: `id-of-${name}`, name, read_replication: { ...this.databases.get(name) } };
  }

  #query(sql: string): unknown {
    if (/^\s*SELECT/i.test(sql)) return [{ success: true, meta: {}, results: this.database.prepare(sql).all() }];
    this.database.exec(`BEGIN;\n${sql}\n;COMMIT`);
    return [{ success: true, meta: {}, results: [] }];
  }

  /** `body`: the parts of a form. */
  #upload(body: string): void {
    const [, metadata = "{}"] = /name="metadata"\r\n\r\n(.*)\r\n/.exec(body) ?? [];
    this.classes.push(JSON.parse(metadata).exports);
    this.migratedBefore ??= this.database.prepare("SELECT count(*) AS n FROM d1_migrations").get()?.n;
  }

  #worker(method: string, path: string, body: string): unknown {
    if (path === "/workers/subdomain") return { subdomain: "ada" };
    if (method === "PUT" && path === "/workers/scripts/edge-events") this.#upload(body);
    if (this.classes.length === 0) throw new ApiError(404, 10007, "This Worker does not exist.");
    if (path === "/workers/services/edge-events")
      return { default_environment: { script: { last_deployed_from: "wrangler" } } };
    if (path.endsWith("/secrets")) return [];
    if (path.endsWith("/deployments")) return { deployments: [] };
    if (path.endsWith("/settings")) return { bindings: [] };
    return {
      ...{ id: "edge-events", startup_time_ms: 1, enabled: true, resources: { script: { etag: "1" } } },
      subdomain: { enabled: true, previews_enabled: false },
    };
  }
}

class ApiError extends Error {
  readonly status: number;
  readonly code: number;

  constructor(status: number, code: number, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

function add(names: string[], name: string, error: ApiError): object {
  if (names.includes(name)) throw error;
  names.push(name);
  return { name };
}
