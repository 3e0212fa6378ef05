import { createHash, randomBytes } from "node:crypto";
import { parseArgs } from "node:util";
import {
  AUTHENTICATIONS,
  type Authentication,
  DEFAULT_TOLERANCE,
  MAX_SECRETS,
} from "../../ingest/producers/schemes.ts";
import { execute, literal, query, type Row } from "../d1.ts";
import { Failure, WRONG_USAGE } from "../failure.ts";
import { COMMON_OPTIONS, type Command, JSON_OPTION, targetOf } from "./command.ts";
import { shortTime, table } from "./table.ts";

const SECRET_BYTES = 32;

export const producerCommands: readonly Command[] = [
  {
    name: "producers list",
    options: "[--json] [--remote]",
    help: "Producers of the table; those of the variable INGEST_SECRETS are not in it.",
    run: list,
  },
  {
    name: "producers add",
    options: "NAME [--auth AUTH] [--tolerance SECONDS] [--max-backlog N] [--remote]",
    help: `Prints the secret of a new (or disabled) producer, once. AUTH is how it has to prove who it is:
${AUTHENTICATIONS.join(", ")}. A secret chosen elsewhere is read from the variable PRODUCER_SECRET.`,
    run: add,
  },
  {
    name: "producers rotate",
    options: "NAME [--end] [--remote]",
    help: "Prints a new secret, once. The one before it stays valid until --end, which takes it away.",
    run: rotate,
  },
  {
    name: "producers disable",
    options: "NAME [--remote]",
    help: "Nobody can send in its name any more, even if INGEST_SECRETS has it; within half a minute.",
    run: disable,
  },
];

async function list(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { ...COMMON_OPTIONS, ...JSON_OPTION } });
  const rows = await query(
    targetOf(values),
    `SELECT name, auth, json_array_length(secrets) AS secrets, tolerance, max_backlog, is_active, updated
      FROM producers ORDER BY name;`,
  );
  if (values.json) return console.log(JSON.stringify(rows, null, 2));
  if (rows.length === 0) return console.log("The table of producers is empty.");
  const lines = rows.map(({ name, auth, secrets, tolerance, max_backlog, is_active, updated }) => [
    name,
    auth,
    secrets,
    `${tolerance} s`,
    max_backlog ?? "-",
    is_active === 1 ? "active" : "disabled",
    shortTime(updated),
  ]);
  console.log(table(["name", "auth", "secrets", "tolerance", "backlog", "state", "changed (UTC)"], lines));
}

async function add(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...COMMON_OPTIONS,
      auth: { type: "string", default: "secret" },
      tolerance: { type: "string", default: String(DEFAULT_TOLERANCE) },
      "max-backlog": { type: "string" },
    },
  });
  const name = nameIn(positionals);
  const auth = checkedAuth(values.auth);
  const backlog = values["max-backlog"];
  for (const number of [values.tolerance, backlog ?? "0"]) {
    if (!/^\d{1,9}$/.test(number)) throw new Failure(`${number} is not a whole number.`, WRONG_USAGE);
  }
  const target = targetOf(values);
  const [existing] = await query(target, `SELECT is_active FROM producers WHERE name = ${literal(name)};`);
  if (existing?.is_active === 1)
    throw new Failure(`There is a producer ${name}; rotate its secret, or disable it first.`);
  const secret = chosenSecret(auth);
  const secrets = JSON.stringify([stored(auth, secret)]);
  const now = literal(Date.now() * 1000);
  await execute(
    target,
    `INSERT INTO producers (name, auth, secrets, tolerance, max_backlog, created, updated)
      VALUES (${literal(name)}, ${literal(auth)}, ${literal(secrets)}, ${values.tolerance}, ${backlog ?? "NULL"}, ${now}, ${now})
      ON CONFLICT (name) DO UPDATE SET auth = excluded.auth, secrets = excluded.secrets, tolerance = excluded.tolerance,
        max_backlog = excluded.max_backlog, updated = excluded.updated, is_active = 1;`,
  );
  tell(name, secret);
}

async function rotate(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { ...COMMON_OPTIONS, end: { type: "boolean", default: false } },
  });
  const name = nameIn(positionals);
  const target = targetOf(values);
  const [row] = await query(
    target,
    `SELECT auth, secrets FROM producers WHERE name = ${literal(name)} AND is_active = 1;`,
  );
  if (row === undefined) throw new Failure(`There is no active producer ${name} in the table.`);
  const current = storedSecrets(row);
  const auth = checkedAuth(String(row.auth));
  const secret = values.end ? undefined : chosenSecret(auth);
  const secrets = secret === undefined ? current.slice(0, 1) : [stored(auth, secret), ...current].slice(0, MAX_SECRETS);
  await execute(
    target,
    `UPDATE producers SET secrets = ${literal(JSON.stringify(secrets))}, updated = ${literal(Date.now() * 1000)}
      WHERE name = ${literal(name)};`,
  );
  if (secret === undefined) console.log(`${name} has one secret now, the newest.`);
  else tell(name, secret);
}

async function disable(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({ args, options: COMMON_OPTIONS, allowPositionals: true });
  const name = nameIn(positionals);
  const now = literal(Date.now() * 1000);
  await execute(
    targetOf(values),
    `INSERT INTO producers (name, auth, secrets, is_active, created, updated)
      VALUES (${literal(name)}, 'secret', '[]', 0, ${now}, ${now})
      ON CONFLICT (name) DO UPDATE SET secrets = '[]', is_active = 0, updated = excluded.updated;`,
  );
  console.log(`${name} is disabled.`);
}

function nameIn([name, ...others]: string[]): string {
  if (name !== undefined && others.length === 0 && /^[\w.-]{1,100}$/.test(name)) return name;
  throw new Failure("Give one NAME: up to 100 letters, digits, dots, dashes and underscores.", WRONG_USAGE);
}

function checkedAuth(text: string): Authentication {
  const auth = AUTHENTICATIONS.find((known) => known === text);
  if (auth === undefined) throw new Failure(`--auth must be one of ${AUTHENTICATIONS.join(", ")}.`, WRONG_USAGE);
  return auth;
}

function chosenSecret(auth: Authentication): string {
  const isStandard = auth === "standard-webhooks";
  const random = randomBytes(SECRET_BYTES);
  const secret =
    process.env.PRODUCER_SECRET || (isStandard ? `whsec_${random.toString("base64")}` : random.toString("base64url"));
  if (isStandard && !/^(whsec_)?([A-Za-z0-9+/]{4}){6,}[A-Za-z0-9+/]*={0,2}$/.test(secret)) {
    throw new Failure("A Standard Webhooks secret is whsec_ and at least 24 bytes in base64.", WRONG_USAGE);
  }
  if (!/^[\x21-\x7e]+$/.test(secret) && auth === "secret")
    throw new Failure("A secret must be printable ASCII without spaces.", WRONG_USAGE);
  return secret;
}

/** As the Worker needs it: who verifies a signature must have the secret itself. */
const stored = (auth: Authentication, secret: string): string =>
  auth === "secret" ? createHash("sha256").update(secret).digest("hex") : secret;

function storedSecrets({ secrets }: Row): string[] {
  const list: unknown = JSON.parse(String(secrets));
  return Array.isArray(list) ? list.map(String) : [];
}

/** The secret alone on stdout, so that it can be piped. */
function tell(name: string, secret: string): void {
  console.error(`Secret of ${name}. It is shown this once:`);
  console.log(secret);
}
