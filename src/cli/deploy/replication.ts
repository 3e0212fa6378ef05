import * as v from "valibot";
import { runWrangler } from "../wrangler.ts";
import { withoutCredentials } from "./refusal.ts";

/** As wrangler reads it. */
const API = process.env.CLOUDFLARE_API_BASE_URL || "https://api.cloudflare.com/client/v4";
const TIMEOUT_MS = 30_000;

const accounts = v.object({ accounts: v.array(v.object({ id: v.string() })) });
const credentials = v.union([v.object({ token: v.string() }), v.object({ key: v.string(), email: v.string() })]);
const database = v.object({ uuid: v.string(), read_replication: v.optional(v.object({ mode: v.string() })) });
const answer = v.object({
  success: v.boolean(),
  errors: v.optional(v.array(v.object({ message: v.string() })), []),
  result: v.optional(v.unknown()),
});

/** A reason why read replication is not on. */
class Obstacle extends Error {}

/**
 * Turns on the read replication of a database: copies of it in other regions, which answer reads. wrangler 4.156.2 has no
 * command for that, so this asks Cloudflare's API, with the credential that wrangler has
 * (https://developers.cloudflare.com/api/resources/d1/subresources/database/methods/update). Returns why it did not work,
 * without a credential, or undefined.
 */
export async function turnOnReplication(name: string): Promise<string | undefined> {
  try {
    const credential = await wranglerSays(credentials, "auth", "token", "--json");
    const request = withCredential(credential, `${API}/accounts/${await accountId()}/d1/database`);
    const { uuid, read_replication: now } = v.parse(database, await request("GET", name));
    if (now?.mode !== "auto") await request("PUT", uuid, JSON.stringify({ read_replication: { mode: "auto" } }));
    return undefined;
  } catch (error) {
    return error instanceof Obstacle ? error.message : "Cloudflare or wrangler did not answer as documented";
  }
}

async function accountId(): Promise<string> {
  if (process.env.CLOUDFLARE_ACCOUNT_ID) return process.env.CLOUDFLARE_ACCOUNT_ID;
  const [only, ...others] = (await wranglerSays(accounts, "whoami", "--json")).accounts;
  if (only !== undefined && others.length === 0) return only.id;
  throw new Obstacle("CLOUDFLARE_ACCOUNT_ID does not say which account");
}

/** What a command of wrangler prints, as JSON. Its errors are not kept: there may be a credential in them. */
async function wranglerSays<T extends v.GenericSchema>(schema: T, ...args: string[]): Promise<v.InferOutput<T>> {
  const { code, stdout } = await runWrangler(args);
  if (code !== 0) throw new Obstacle(`wrangler ${args.join(" ")} failed`);
  return v.parse(v.pipe(v.string(), v.parseJson(), schema), stdout);
}

/** Requests below a URL of the API; returns their `result`. */
function withCredential(credential: v.InferOutput<typeof credentials>, base: string) {
  const headers: Record<string, string> =
    "token" in credential
      ? { Authorization: `Bearer ${credential.token}` }
      : { "X-Auth-Key": credential.key, "X-Auth-Email": credential.email };
  const init = { headers: { ...headers, "Content-Type": "application/json" } };
  return async (method: string, path: string, body: string | null = null): Promise<unknown> => {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await fetch(`${base}/${path}`, { ...init, method, body, signal });
    const { success, errors, result } = v.parse(answer, await response.json());
    if (success) return result;
    const said = errors.map(({ message }) => message).join("; ") || `status ${response.status}`;
    throw new Obstacle(`Cloudflare's API says: ${withoutCredentials(said, ...Object.values(credential))}`);
  };
}
