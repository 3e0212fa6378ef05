import { resolve } from "node:path";
import { Failure, WRONG_USAGE } from "./failure.ts";
import { paths } from "./paths.ts";

const DEFAULT_PORT = 8787;
const MAX_PORT = 65_535;
const DEFAULT_SAMPLE_EVENTS = 300;
/** Of a token or secret, in characters. Random ones have more. */
const MIN_SECRET_LENGTH = 20;

/** The settings of `npm start`, from environment variables. */
export interface Settings {
  port: number;
  /** The directory of the local database. */
  stateDir: string;
  /** The number of sample events for an empty database. */
  sampleEvents: number;
  /** Replaces the token in .dev.vars. */
  staffToken: string | undefined;
  /** Replaces the secret in .dev.vars. */
  ingestSecret: string | undefined;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Throws a Failure for a value that cannot be used. An empty variable counts as absent. */
export function readSettings(env: Environment): Settings {
  return {
    port: wholeNumber(env, "PORT", DEFAULT_PORT, 1, MAX_PORT),
    stateDir: readStateDir(env),
    sampleEvents: wholeNumber(env, "SAMPLE_EVENTS", DEFAULT_SAMPLE_EVENTS, 0, Number.MAX_SAFE_INTEGER),
    staffToken: secretOf(env, "STAFF_TOKEN"),
    ingestSecret: secretOf(env, "INGEST_SECRET"),
  };
}

export function readStateDir(env: Environment): string {
  return resolve(env.STATE_DIR || paths.state);
}

function wholeNumber(env: Environment, name: string, fallback: number, min: number, max: number): number {
  const text = env[name];
  if (!text) return fallback;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  const range = max === Number.MAX_SAFE_INTEGER ? `from ${min} on` : `from ${min} to ${max}`;
  // Without the value: it may be a secret that was meant for another variable.
  throw new Failure(`${name} must be a whole number ${range}.`, WRONG_USAGE);
}

/**
 * Throws a Failure for a secret that can be guessed, or that does not fit into an Authorization header. The error of
 * fetch would quote it.
 */
export function checkedSecret(name: string, secret: string): string {
  if (!/^[\x21-\x7e]+$/.test(secret)) throw new Failure(`${name} must be printable ASCII without spaces.`, WRONG_USAGE);
  if (secret.length >= MIN_SECRET_LENGTH) return secret;
  throw new Failure(`${name} must have at least ${MIN_SECRET_LENGTH} characters.`, WRONG_USAGE);
}

function secretOf(env: Environment, name: string): string | undefined {
  const text = env[name];
  return text ? checkedSecret(name, text) : undefined;
}
