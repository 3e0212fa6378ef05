import { randomBytes } from "node:crypto";
import { and, eq, getTableColumns, sql } from "drizzle-orm";
import * as v from "valibot";
import {
  AUTHENTICATIONS,
  type Authentication,
  DEFAULT_TOLERANCE,
  MAX_SECRETS,
} from "../../ingest/producers/schemes.ts";
import { producers } from "../../ingest/table.ts";
import { microsecondsNow } from "../../values/time.ts";
import { sha256Hex } from "../credentials.ts";
import { executeSecretly, query } from "../d1.ts";
import { Failure, WRONG_USAGE } from "../failure.ts";
import { builder } from "../sql.ts";
import { command, JSON_OPTION } from "./command.ts";
import { wrongOption } from "./options.ts";
import { printList } from "./print.ts";
import { describeRules, RULES, RULES_HELP, RULES_USAGE, rulesOf } from "./producer-options.ts";
import { shortTime } from "./time.ts";

const SECRET_BYTES = 32;

/** The rules of a new producer. A producer that is enabled again loses its former ones. */
const NO_RULES = {
  tolerance: DEFAULT_TOLERANCE,
  tellsPlaces: 0,
  isUpstream: 0,
  format: null,
  types: null,
  customers: null,
  maxRate: null,
  dailyQuota: null,
  maxBacklog: null,
};

const storedSecrets = v.pipe(v.string(), v.parseJson(), v.array(v.string()));

const list = command({
  name: "producers list",
  usage: "[--json]",
  help: "Lists the producers in the database. It does not list those in the variable INGEST_SECRETS.",
  options: JSON_OPTION,
  async run({ target, values }) {
    const { created: _, ...columns } = getTableColumns(producers);
    const secrets = sql`json_array_length(${producers.secrets})`.as("secrets");
    const rows = await query(
      target,
      builder
        .select({ ...columns, secrets })
        .from(producers)
        .orderBy(producers.name),
    );
    printList({
      rows,
      json: values.json,
      none: "The table of producers is empty.",
      headings: ["name", "auth", "secrets", "tolerance", "state", "changed (UTC)", "rights and limits"],
      cells: (row) => [
        row.name,
        row.auth,
        row.secrets,
        `${row.tolerance} s`,
        row.is_active === 1 ? "active" : "disabled",
        shortTime(row.updated),
        describeRules(row),
      ],
    });
  },
});

const add = command({
  name: "producers add",
  usage: `NAME [--auth AUTH] ${RULES_USAGE}`,
  help: `Creates a producer, or enables a disabled one, and prints its secret. It is shown only once. To choose the secret
yourself, set the environment variable PRODUCER_SECRET. AUTH is how the producer authenticates:
${AUTHENTICATIONS.join(", ")}. Default: secret. By default it has no rights and no limits.
${RULES_HELP}`,
  options: { auth: { type: "string", default: "secret" }, ...RULES },
  takesWords: true,
  async run({ target, values, words }) {
    const name = checkedName(words);
    const auth = checkedAuth(values.auth);
    const rules = { ...NO_RULES, ...rulesOf(values) };
    const find = builder.select({ isActive: producers.isActive }).from(producers).where(eq(producers.name, name));
    const [existing] = await query(target, find);
    if (existing?.is_active === 1) {
      throw new Failure(`There is a producer ${name} already. Rotate its secret, or disable it first.`);
    }
    const secret = chosenSecret(auth);
    const updated = microsecondsNow();
    const row = { auth, secrets: JSON.stringify([stored(auth, secret)]), ...rules, updated, isActive: 1 };
    await executeSecretly(
      target,
      builder
        .insert(producers)
        .values({ name, ...row, created: updated })
        .onConflictDoUpdate({ target: producers.name, set: row }),
    );
    printSecret(name, secret);
  },
});

const change = command({
  name: "producers change",
  usage: `NAME ${RULES_USAGE}`,
  help: `Changes the rights and limits of a producer in the database; it keeps those that are not given. Takes effect within
half a minute.
${RULES_HELP}`,
  options: RULES,
  takesWords: true,
  async run({ target, values, words }) {
    const name = checkedName(words);
    const rules = rulesOf(values);
    if (Object.keys(rules).length === 0)
      throw new Failure("Nothing is changed. Give at least one option.", WRONG_USAGE);
    const changed = await query(
      target,
      builder
        .update(producers)
        .set({ ...rules, updated: microsecondsNow() })
        .where(and(eq(producers.name, name), eq(producers.isActive, 1)))
        .returning(),
    );
    const [row] = changed;
    if (row === undefined) throw new Failure(`There is no active producer ${name} in the database.`);
    console.error(`${name}: ${describeRules(row)}`);
  },
});

const rotate = command({
  name: "producers rotate",
  usage: "NAME [--end]",
  help: `Creates a new secret and prints it. It is shown only once. The old secret stays valid until you run the command
with --end, which creates no secret.`,
  options: { end: { type: "boolean", default: false } },
  takesWords: true,
  async run({ target, values, words }) {
    const name = checkedName(words);
    const [row] = await query(
      target,
      builder
        .select({ auth: producers.auth, secrets: producers.secrets })
        .from(producers)
        .where(and(eq(producers.name, name), eq(producers.isActive, 1))),
    );
    if (row === undefined) throw new Failure(`There is no active producer ${name} in the database.`);
    const auth = checkedAuth(String(row.auth));
    const current = v.parse(storedSecrets, row.secrets);
    const secret = values.end ? undefined : chosenSecret(auth);
    const secrets = secret === undefined ? current.slice(0, 1) : [stored(auth, secret), ...current];
    await executeSecretly(
      target,
      builder
        .update(producers)
        .set({ secrets: JSON.stringify(secrets.slice(0, MAX_SECRETS)), updated: microsecondsNow() })
        .where(eq(producers.name, name)),
    );
    if (secret === undefined) console.log(`${name} has one secret now, the newest.`);
    else printSecret(name, secret);
  },
});

const disable = command({
  name: "producers disable",
  usage: "NAME",
  help: "Deletes the producer's secrets. Its events are rejected within half a minute, even if INGEST_SECRETS names it.",
  options: {},
  takesWords: true,
  async run({ target, words }) {
    const name = checkedName(words);
    const updated = microsecondsNow();
    const row = { secrets: "[]", isActive: 0, updated };
    await query(
      target,
      builder
        .insert(producers)
        .values({ name, ...row, auth: "secret", tolerance: DEFAULT_TOLERANCE, created: updated })
        .onConflictDoUpdate({ target: producers.name, set: row }),
    );
    console.log(`${name} is disabled.`);
  },
});

function checkedName([name, ...others]: readonly string[]): string {
  if (name !== undefined && others.length === 0 && /^[\w.-]{1,100}$/.test(name)) return name;
  throw new Failure("Give one NAME: up to 100 letters, digits, dots, dashes and underscores.", WRONG_USAGE);
}

function checkedAuth(text: string): Authentication {
  const auth = AUTHENTICATIONS.find((known) => known === text);
  if (auth === undefined) throw wrongOption("--auth", `one of ${AUTHENTICATIONS.join(", ")}`, text);
  return auth;
}

/** The secret in PRODUCER_SECRET, or a random one. */
function chosenSecret(auth: Authentication): string {
  const isStandard = auth === "standard-webhooks";
  const random = randomBytes(SECRET_BYTES);
  const secret =
    process.env.PRODUCER_SECRET || (isStandard ? `whsec_${random.toString("base64")}` : random.toString("base64url"));
  if (isStandard && !/^(whsec_)?[A-Za-z0-9+/]{32,}={0,2}$/.test(secret)) {
    throw new Failure("PRODUCER_SECRET must be whsec_ and at least 24 bytes in base64 for this producer.", WRONG_USAGE);
  }
  if (auth === "secret" && !/^[\x21-\x7e]+$/.test(secret)) {
    throw new Failure("PRODUCER_SECRET must be printable ASCII without spaces.", WRONG_USAGE);
  }
  return secret;
}

/** The form in the database: a hash, or the secret itself, which verifying a signature needs. */
const stored = (auth: Authentication, secret: string): string => (auth === "secret" ? sha256Hex(secret) : secret);

/** Prints only the secret to stdout, so that it can be piped. */
function printSecret(name: string, secret: string): void {
  console.error(`Secret of ${name}, valid within half a minute. It is shown only once:`);
  console.log(secret);
}

export const producerCommands = [list, add, change, rotate, disable];
