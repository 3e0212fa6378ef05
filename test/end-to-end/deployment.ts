import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import type { Account } from "../cloud/wrangler.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const COPIED = ["src", "migrations", "package.json", "wrangler.toml"];
const PACKAGES = ["valibot", "drizzle-orm"];
const WRANGLER = `import { run } from ${JSON.stringify(join(ROOT, "test/cloud/wrangler.ts"))};
run(process.env.ACCOUNT_FILE, process.argv.slice(2));\n`;

export const TOKEN = "the-api-token-of-the-deployer";

/** A copy of the project in which wrangler is a stand-in, with an account. */
export class Deployment {
  readonly #root: string;
  readonly #api: Server;
  /** Requests to Cloudflare's API, with their bodies. */
  readonly requests: string[] = [];
  /** What the API answers to a PUT. */
  answer = { status: 200, body: JSON.stringify({ success: true, result: {} }) };

  private constructor(root: string) {
    this.#root = root;
    this.#api = createServer((request, response) => void this.#serve(request, response));
  }

  /** The two requests for read replication. */
  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, url } = request;
    this.requests.push(`${method} ${url} ${await text(request)}`.trim());
    if (method === "PUT") return void response.writeHead(this.answer.status).end(this.answer.body);
    const one = this.account.databases.find(({ name }) => url?.endsWith(`/${name}`));
    const result = { uuid: "uuid-1", name: one?.name, read_replication: { mode: one?.replication } };
    response.end(JSON.stringify({ success: true, errors: [], result }));
  }

  static async of(account: Partial<Account> = {}): Promise<Deployment> {
    const root = await mkdtemp(join(tmpdir(), "edge-events-deploy-"));
    for (const name of COPIED) await cp(join(ROOT, name), join(root, name), { recursive: true });
    const wrangler = join(root, "node_modules/wrangler/wrangler-dist");
    await mkdir(wrangler, { recursive: true });
    for (const name of PACKAGES)
      await symlink(join(ROOT, "node_modules", name), join(root, "node_modules", name), "dir");
    await writeFile(join(root, "node_modules/wrangler/package.json"), '{"type":"module"}');
    await writeFile(join(wrangler, "cli.js"), WRANGLER);
    const deployment = new Deployment(root);
    const empty: Account = { queues: [], buckets: [], databases: [], workers: {}, calls: [], refuses: {} };
    deployment.account = { ...empty, ...account };
    await once(deployment.#api.listen(0, "127.0.0.1"), "listening");
    return deployment;
  }

  get account(): Account {
    return JSON.parse(readFileSync(join(this.#root, "account.json"), "utf8"));
  }

  set account(account: Account) {
    writeFileSync(join(this.#root, "account.json"), JSON.stringify(account));
  }

  /** The text of wrangler.toml. */
  get configuration(): string {
    return readFileSync(join(this.#root, "wrangler.toml"), "utf8");
  }

  /** Runs `npm run deploy`. */
  async run(env: Record<string, string> = {}) {
    const address = this.#api.address();
    const port = address !== null && typeof address === "object" ? address.port : 0;
    const { CLOUDFLARE_ACCOUNT_ID, ...inherited } = process.env;
    const own = { CLOUDFLARE_API_BASE_URL: `http://127.0.0.1:${port}`, CLOUDFLARE_API_TOKEN: TOKEN };
    const child = spawn(process.execPath, [join(this.#root, "src/cli/deploy.ts")], {
      env: { ...inherited, ACCOUNT_FILE: join(this.#root, "account.json"), ...own, ...env },
    });
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
    return { code: child.exitCode, stdout, stderr };
  }

  async remove(): Promise<void> {
    this.#api.close();
    await rm(this.#root, { recursive: true, force: true });
  }
}
