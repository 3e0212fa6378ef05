import { appendFile, chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseEnv } from "node:util";
import * as v from "valibot";
import { newSecret, newToken } from "./credentials.ts";
import { Failure } from "./failure.ts";
import { paths } from "./paths.ts";
import type { Settings } from "./settings.ts";

const OWNER_ONLY = 0o600;

/** The producer that may push to a local server. */
export const LOCAL_PRODUCER = "local";

export interface LocalSecrets {
  staffToken: string;
  ingestSecret: string;
  /** Producer → its secrets, for the Worker: those of .dev.vars, with ingestSecret among the local producer's. */
  producers: Record<string, string[]>;
}

const producersSchema = v.record(v.string(), v.array(v.string()));

/** From the settings, else from .dev.vars, where random ones are added when it has none. */
export async function localSecrets({ staffToken, ingestSecret }: Settings): Promise<LocalSecrets> {
  const saved = parseEnv(await readIfThere(paths.devVars));
  const token = staffToken ?? saved.LOCAL_STAFF_TOKEN ?? newToken();
  const producers = parseProducers(saved.INGEST_SECRETS);
  const secret = ingestSecret ?? producers[LOCAL_PRODUCER]?.[0] ?? newSecret();
  const local = { [LOCAL_PRODUCER]: [secret] };
  const missing = [
    ...(staffToken || saved.LOCAL_STAFF_TOKEN ? [] : [`LOCAL_STAFF_TOKEN=${token}`]),
    ...(ingestSecret || saved.INGEST_SECRETS ? [] : [ingestSecretsLine(local)]),
  ];
  if (missing.length > 0) await remember(missing);
  const overridden = ingestSecret !== undefined || producers[LOCAL_PRODUCER] === undefined;
  return { staffToken: token, ingestSecret: secret, producers: overridden ? { ...producers, ...local } : producers };
}

/** A local queue lives in memory: events are stored before they are answered for. */
const LOCAL_DURABILITY = "INGEST_DURABLE=store";

/**
 * Writes the file that gives the Worker its producers and what differs from production, and returns its path. Its own
 * file, as what overrides .dev.vars must not be written there, and not be on wrangler's command line, which every user of
 * the machine can read.
 */
export async function writeVariables(stateDir: string, producers: Record<string, string[]>): Promise<string> {
  const file = join(stateDir, "start.env");
  await mkdir(stateDir, { recursive: true });
  await writeFile(file, `${ingestSecretsLine(producers)}\n${LOCAL_DURABILITY}\n`, { mode: OWNER_ONLY });
  return file;
}

/** Quotes and dollars as JSON escapes: nothing is left that an env file would read as its own syntax. */
function ingestSecretsLine(producers: Record<string, string[]>): string {
  const json = JSON.stringify(producers).replaceAll("'", "\\u0027").replaceAll("$", "\\u0024");
  return `INGEST_SECRETS='${json}'`;
}

function parseProducers(json: string | undefined): Record<string, string[]> {
  if (!json) return {};
  try {
    return v.parse(producersSchema, JSON.parse(json));
  } catch {
    throw new Failure('INGEST_SECRETS in .dev.vars must be JSON like {"producer":["secret"]}.');
  }
}

async function readIfThere(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw error;
  }
}

async function remember(lines: string[]): Promise<void> {
  const before = await readIfThere(paths.devVars);
  const separator = before === "" || before.endsWith("\n") ? "" : "\n";
  await appendFile(paths.devVars, `${separator}${lines.join("\n")}\n`, { mode: OWNER_ONLY });
  await chmod(paths.devVars, OWNER_ONLY);
}
