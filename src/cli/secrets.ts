import { existsSync } from "node:fs";
import { appendFile, chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseEnv } from "node:util";
import * as v from "valibot";
import type { Authentication } from "./authentication.ts";
import { newSecret, newToken } from "./credentials.ts";
import { Failure } from "./failure.ts";
import { paths } from "./paths.ts";
import { checkedSecret, type Environment, type Settings } from "./settings.ts";

const OWNER_ONLY = 0o600;

/** The producer of a local server. */
export const LOCAL_PRODUCER = "local";

export interface LocalSecrets {
  staffToken: string;
  ingestSecret: string;
  /** The producers, for the Worker: those of .dev.vars, and the local one with ingestSecret. */
  producers: Producers;
}

const secrets = v.array(v.string());
const producersSchema = v.record(v.string(), v.union([secrets, v.looseObject({ secrets })]));

/** As in the variable INGEST_SECRETS. */
type Producers = v.InferOutput<typeof producersSchema>;

/** Reads .dev.vars, which may be missing, and closes it to other users. */
export async function readDevVars(): Promise<Environment> {
  if (existsSync(paths.devVars)) await chmod(paths.devVars, OWNER_ONLY);
  return parseEnv(await readOrEmpty(paths.devVars));
}

/** Reads the secrets from the settings or else from .dev.vars. Adds random ones to .dev.vars when it has none. */
export async function localSecrets({ staffToken, ingestSecret }: Settings, saved: Environment): Promise<LocalSecrets> {
  const token = checkedSecret("LOCAL_STAFF_TOKEN in .dev.vars", staffToken ?? (saved.LOCAL_STAFF_TOKEN || newToken()));
  const producers = parseProducers(saved.INGEST_SECRETS);
  const savedSecret = firstSecret(producers[LOCAL_PRODUCER]) ?? newSecret();
  const secret = checkedSecret("The secret of the producer local in .dev.vars", ingestSecret ?? savedSecret);
  // It sends the sample events, which stand for those of a Waldur.
  const local = { [LOCAL_PRODUCER]: { secrets: [secret], tells_places: true, is_upstream: true } };
  const missing = [
    ...(staffToken || saved.LOCAL_STAFF_TOKEN ? [] : [`LOCAL_STAFF_TOKEN=${token}`]),
    ...(ingestSecret || saved.INGEST_SECRETS ? [] : [ingestSecretsLine(local)]),
  ];
  if (missing.length > 0) await addToDevVars(missing);
  const overridden = ingestSecret !== undefined || producers[LOCAL_PRODUCER] === undefined;
  return { staffToken: token, ingestSecret: secret, producers: overridden ? { ...producers, ...local } : producers };
}

const firstSecret = (producer: Producers[string] | undefined): string | undefined =>
  Array.isArray(producer) ? producer[0] : producer?.secrets[0];

/**
 * Writes the variables of the Worker that differ from production into a file and returns its path. The file overrides
 * .dev.vars without changing it. The variables are not on wrangler's command line, because every user can read that.
 */
export async function writeVariables(
  stateDir: string,
  producers: Producers,
  authentication: Authentication,
): Promise<string> {
  const file = join(stateDir, "start.env");
  const lines = [ingestSecretsLine(producers), ...authenticationLines(authentication)];
  await writeFile(file, `${lines.join("\n")}\n`, { mode: OWNER_ONLY });
  return file;
}

/** Encodes quotes and dollars, because they are syntax in an env file. */
function authenticationLines(authentication: Authentication): string[] {
  if (authentication.mode === "local") return ["AUTH=local"];
  return ["AUTH=waldur", `WALDUR_URL='${authentication.url.replaceAll("'", "%27").replaceAll("$", "%24")}'`];
}

/** Writes quotes and dollars as JSON escapes, because they are syntax in an env file. */
function ingestSecretsLine(producers: Producers): string {
  const json = JSON.stringify(producers).replaceAll("'", "\\u0027").replaceAll("$", "\\u0024");
  return `INGEST_SECRETS='${json}'`;
}

function parseProducers(json: string | undefined): Producers {
  if (!json) return {};
  try {
    return v.parse(producersSchema, JSON.parse(json));
  } catch {
    throw new Failure(
      'INGEST_SECRETS in .dev.vars must be JSON like {"producer":["secret"]}. Correct it or delete the line.',
    );
  }
}

async function readOrEmpty(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw error;
  }
}

async function addToDevVars(lines: string[]): Promise<void> {
  const before = await readOrEmpty(paths.devVars);
  const separator = before === "" || before.endsWith("\n") ? "" : "\n";
  await appendFile(paths.devVars, `${separator}${lines.join("\n")}\n`, { mode: OWNER_ONLY });
}
