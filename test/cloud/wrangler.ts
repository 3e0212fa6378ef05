import { readFileSync, writeFileSync } from "node:fs";

/**
 * Stands in for wrangler 4.156.2 in front of a Cloudflare account, which is a file (the variable ACCOUNT_FILE). It is run in
 * the place of node_modules/wrangler/wrangler-dist/cli.js, whose code is the source of the commands, of what they print
 * and of their errors: `d1 info`, `d1 create`, `d1 migrations apply`, `queues info`, `queues create`, `r2 bucket info`,
 * `r2 bucket create`, `deploy`, `auth token`, `whoami`, and the lists: of databases all pages are printed, of queues and
 * buckets the first.
 *
 * Known: `d1 info` and `r2 bucket info` ask the API for a name; `d1 migrations apply` and `deploy` find a database without
 * an id by the name in wrangler.toml; with CI, or in a TOML file with comments, `deploy` writes no id. Texts and codes of
 * the API's errors are from issues of cloudflare/workers-sdk (10042, 10000) and from wrangler's code (7502, 7406).
 *
 * Assumed: `queues info` prints the first queue that the API finds by its filter, which may have a longer name; the code
 * of a queue name that is taken is 11009, and of a bucket 10004.
 */
export interface Account {
  queues: string[];
  buckets: string[];
  databases: { name: string; migrated: boolean; replication: string }[];
  /** The Workers, each with what it is bound to. */
  workers: Record<string, string[]>;
  /** The commands so far, with what was on their stdin. */
  calls: string[];
  /** The start of a command → what wrangler says instead of doing it; "" for an end without a word. */
  refuses: Record<string, string>;
  /** Commands whose "info" and lists see nothing, as with a token that may not read. */
  isBlind?: boolean;
}

const PAGE = 20;

/** Runs a command on the account in a file. */
export function run(path: string, args: string[]): void {
  const account: Account = JSON.parse(readFileSync(path, "utf8"));
  const command = args.join(" ");
  account.calls.push(command);
  const refused = Object.keys(account.refuses).find((start) => command.startsWith(start));
  try {
    if (refused !== undefined) throw new Error(account.refuses[refused]);
    process.stdout.write(`${answer(account, args)}\n`);
  } catch (error) {
    process.stderr.write(errorText(error instanceof Error ? error.message : String(error)));
    process.exitCode = 1;
  }
  writeFileSync(path, JSON.stringify(account));
}

/** As wrangler prints an error, with colours. */
const errorText = (message: string): string =>
  message === ""
    ? ""
    : `\n\x1b[31m✘ \x1b[41;31m[\x1b[41;97mERROR\x1b[41;31m]\x1b[0m \x1b[1m${message}\x1b[0m\n\n\n` +
      '🪵  Logs were written to "wrangler.log"\n';

function answer(account: Account, args: string[]): string {
  const [a = "", b = "", c = "", d = ""] = args;
  if (a === "queues" && b === "list") return account.queues.slice(0, PAGE).join("\n");
  if (a === "queues" && b === "info") return queueInfo(account, c);
  if (a === "queues" && b === "create")
    return created(account.queues, c, taken(`Queue name '${c}' is already taken.`, 11009));
  if (a === "r2" && c === "list") return account.buckets.slice(0, PAGE).join("\n");
  if (a === "r2" && c === "info") return found(account, account.buckets.includes(d), { name: d });
  if (a === "r2" && c === "create")
    return created(account.buckets, d, taken("The bucket you tried to create already exists, and you own it.", 10004));
  if (a === "d1" && b === "list") return JSON.stringify(account.databases.map(({ name }) => ({ name, uuid: name })));
  if (a === "secret") return "[]";
  if (a === "d1" && b === "info") return databaseInfo(account, c);
  if (a === "d1" && b === "create") return createDatabase(account, c);
  if (a === "d1" && b === "migrations") return migrate(account, d);
  if (a === "deploy") return upload(account);
  if (a === "auth") return JSON.stringify({ type: "oauth", token: "oauth-token-of-the-account" });
  if (a === "whoami") return JSON.stringify({ loggedIn: true, accounts: [{ name: "Ada", id: "account-1" }] });
  throw new Error(`Unknown arguments: ${args.join(", ")}`);
}

const apiError = (path: string, message: string): Error =>
  new Error(`A request to the Cloudflare API (/accounts/account-1/${path}) failed.\n\n  ${message}\n`);

const taken = (message: string, code: number) => apiError("x", `${message} [code: ${code}]`);

function created(names: string[], name: string, error: Error): string {
  if (names.includes(name)) throw error;
  names.push(name);
  return `Created ${name}`;
}

function queueInfo({ queues, isBlind }: Account, name: string): string {
  const first = queues.find((one) => one.includes(name));
  if (first === undefined || isBlind) throw new Error(`Queue "${name}" does not exist.`);
  return `Queue Name: ${first}\nQueue ID: 1\nNumber of Producers: 0`;
}

function found({ isBlind }: Account, exists: boolean, value: object): string {
  if (!exists || isBlind) throw apiError("r2/buckets", "The specified bucket does not exist. [code: 10006]");
  return JSON.stringify(value);
}

function databaseInfo({ databases, isBlind }: Account, name: string): string {
  const one = databases.find((database) => database.name === name);
  if (one === undefined || isBlind)
    throw new Error(`Couldn't find a D1 DB named '${name}' (bound as '${name}') in the API.`);
  return JSON.stringify({ uuid: `uuid of ${name}`, name, read_replication: { mode: one.replication } });
}

function createDatabase({ databases }: Account, name: string): string {
  if (databases.some((database) => database.name === name)) throw new Error("A database with that name already exists");
  databases.push({ name, migrated: false, replication: "disabled" });
  return `Successfully created DB '${name}'`;
}

/** By its binding, which is the database of the name in wrangler.toml. */
function migrate({ databases }: Account, binding: string): string {
  const one = databases.find(({ name }) => name === "edge-events");
  if (binding !== "DB" || one === undefined)
    throw new Error("Couldn't find a D1 DB named 'edge-events' (bound as 'DB').");
  one.migrated = true;
  return "No migrations to apply!";
}

/** Creates the database where it is missing, as wrangler does. A queue that is consumed must be there. */
function upload(account: Account): string {
  const bound = [
    ...account.queues.filter((name) => ["edge-events-ingest", "edge-events-dead-letters"].includes(name)),
    ...account.buckets.filter((name) => name === "edge-events-spill"),
    ...account.databases.filter(({ name, migrated }) => name === "edge-events" && migrated).map(({ name }) => name),
  ];
  if (bound.length < 4) throw new Error(`Queue "edge-events-ingest" does not exist, or the database has no tables.`);
  account.workers["edge-events"] = bound;
  return "Uploaded edge-events (3.21 sec)\nDeployed edge-events triggers\n  https://edge-events.ada.workers.dev";
}
