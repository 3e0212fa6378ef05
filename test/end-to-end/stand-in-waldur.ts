import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** What a request to Waldur had. */
interface Received {
  path: string;
  host: string | undefined;
  proto: string | undefined;
}

/**
 * A stand-in for Waldur: it knows the users of some tokens, and answers every other path with its own name. An answer for
 * events would be wrong, because the proxy keeps those away from it.
 */
export class StandInWaldur {
  readonly received: Received[] = [];
  readonly #users: ReadonlyMap<string, object>;
  readonly #server: Server;

  private constructor(users: Record<string, object>) {
    this.#users = new Map(Object.entries(users));
    this.#server = createServer((request, response) => {
      const [status, body] = this.#answer(request);
      response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
    });
  }

  /** `users`: token → what `/api/users/me/` says. */
  static async start(users: Record<string, object>): Promise<StandInWaldur> {
    const waldur = new StandInWaldur(users);
    await once(waldur.#server.listen(0, "127.0.0.1"), "listening");
    return waldur;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  #answer({ url = "", headers }: IncomingMessage): [status: number, body: unknown] {
    this.received.push({ path: url, host: headers.host, proto: headers["x-forwarded-proto"]?.toString() });
    const user = this.#users.get(headers.authorization?.replace(/^Token /, "") ?? "");
    if (user === undefined) return [401, { detail: "Invalid token." }];
    return url === "/api/users/me/" ? [200, user] : [200, { from: "waldur", path: url }];
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
