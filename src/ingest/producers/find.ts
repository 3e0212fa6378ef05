import * as v from "valibot";
import { database } from "../../db/client.ts";
import type { Env } from "../../env.ts";
import { reason, unavailable } from "../../http/errors.ts";
import { sha256, utf8 } from "../../values/bytes.ts";
import { withDeadline } from "../../values/deadline.ts";
import { parseUuid } from "../../values/uuid.ts";
import { producers } from "../table.ts";
import {
  AUTHENTICATIONS,
  type Authentication,
  DEFAULT_TOLERANCE,
  FORMAT_NAMES,
  type FormatName,
  MAX_SECRETS,
} from "./schemes.ts";

const LOOKUP_DEADLINE_MS = 2_000;

/** A producer: the secrets that prove its identity, and what it may send. Nothing but its secrets is given by default. */
export interface Producer {
  name: string;
  auth: Authentication;
  /** The SHA-256 of each secret for `secret`, else the keys. */
  secrets: Uint8Array[];
  /** Seconds. */
  tolerance: number;
  /** The number of waiting messages above which it gets 429; undefined for the common limit. */
  maxBacklog: number | undefined;
  /** Whether its events say where objects belong. */
  tellsPlaces: boolean;
  /** Whether it is the source of truth: its uuids replace those of other producers for events of the same content. */
  isUpstream: boolean;
  /** The format of its bodies; undefined: the header Content-Type names it. */
  format: FormatName | undefined;
  /** The event types that it may send: names, or prefixes that end in `*`; undefined for every type. */
  types: readonly string[] | undefined;
  /** The customers (32 hex digits) that its events may concern; undefined for all. */
  customers: readonly string[] | undefined;
  /** Events a minute, counted by each isolate; undefined: no limit. */
  maxRate: number | undefined;
  /** Events a day (UTC); undefined: no limit. */
  dailyQuota: number | undefined;
}

type Producers = ReadonlyMap<string, Producer | null>;

const secretList = v.pipe(v.array(v.pipe(v.string(), v.nonEmpty())), v.maxLength(MAX_SECRETS));
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const settings = v.object({
  auth: v.optional(v.picklist(AUTHENTICATIONS), "secret"),
  secrets: secretList,
  tolerance: v.optional(v.pipe(v.number(), v.minValue(0)), DEFAULT_TOLERANCE),
  max_backlog: v.nullish(count),
  tells_places: v.optional(v.boolean(), false),
  is_upstream: v.optional(v.boolean(), false),
  format: v.nullish(v.picklist(FORMAT_NAMES)),
  types: v.nullish(v.array(v.pipe(v.string(), v.nonEmpty()))),
  customers: v.nullish(v.array(v.pipe(v.string(), v.transform(parseUuid), v.string()))),
  max_rate: v.nullish(count),
  daily_quota: v.nullish(count),
});
const configuration = v.record(v.string(), v.union([settings, v.pipe(secretList, v.transform(plain))]));

type Settings = v.InferOutput<typeof settings>;

/**
 * The producer of a name; undefined when it does not exist or is disabled. The table has precedence over the variable
 * INGEST_SECRETS. An isolate keeps the table for PRODUCER_CACHE_SECONDS, and longer while the database does not answer.
 * Throws 503 when the isolate has never read the table. `now` in milliseconds.
 */
export async function findProducer(env: Env, name: string, now: number): Promise<Producer | undefined> {
  const stored = await storedProducers(env, now);
  const found = stored.get(name);
  return found === undefined ? (await configuredProducers(env.INGEST_SECRETS ?? "{}")).get(name) : (found ?? undefined);
}

const tables = new WeakMap<D1Database, { producers: Producers; at: number }>();

async function storedProducers(env: Env, now: number): Promise<Producers> {
  const known = tables.get(env.DB);
  if (known !== undefined && now - known.at < Number(env.PRODUCER_CACHE_SECONDS) * 1000) return known.producers;
  try {
    const db = database(env.DB);
    const all = db.batch([db.select().from(producers)]);
    const [rows] = await withDeadline(all, LOOKUP_DEADLINE_MS, "The database did not answer in time.");
    const read = new Map(await Promise.all(rows.map(fromRow)));
    tables.set(env.DB, { producers: read, at: now });
    return read;
  } catch (error) {
    console.error(JSON.stringify({ level: "error", event: "producers_not_read", error: reason(error).error }));
    if (known === undefined) throw unavailable("The producers cannot be read right now; send the events again.");
    return known.producers;
  }
}

/** null for a producer that is disabled, or whose row is not valid: one bad row must not stop the others. */
async function fromRow(row: typeof producers.$inferSelect): Promise<[string, Producer | null]> {
  const { name } = row;
  try {
    if (row.isActive === 0) return [name, null];
    const read = v.parse(settings, settingsOf(row));
    const hashed = read.auth === "secret" ? read.secrets.map((secret) => Uint8Array.fromHex(secret)) : undefined;
    return [name, await toProducer(name, read, hashed)];
  } catch {
    console.error(JSON.stringify({ level: "error", event: "producer_not_read", producer: name }));
    return [name, null];
  }
}

/** A row in the form of the variable INGEST_SECRETS. */
const settingsOf = (row: typeof producers.$inferSelect) => ({
  auth: row.auth,
  secrets: JSON.parse(row.secrets),
  tolerance: row.tolerance,
  max_backlog: row.maxBacklog,
  tells_places: row.tellsPlaces === 1,
  is_upstream: row.isUpstream === 1,
  format: row.format,
  types: JSON.parse(row.types ?? "null"),
  customers: JSON.parse(row.customers ?? "null"),
  max_rate: row.maxRate,
  daily_quota: row.dailyQuota,
});

let cached: { configured: string; producers: Map<string, Producer> } | undefined;

/** Reads and hashes the variable once: it is constant for the life of an isolate. */
async function configuredProducers(configured: string): Promise<Map<string, Producer>> {
  if (cached?.configured === configured) return cached.producers;
  const entries = Object.entries(readConfiguration(configured));
  const named = await Promise.all(
    entries.map(async ([name, value]) => [name, await configuredProducer(name, value)] as const),
  );
  cached = { configured, producers: new Map(named) };
  return cached.producers;
}

/** Throws an error of fixed text: those of JSON and of schemas quote the variable, which has secrets. */
function readConfiguration(configured: string): Record<string, Settings> {
  try {
    return v.parse(configuration, JSON.parse(configured));
  } catch {
    throw new Error("INGEST_SECRETS is not valid; see src/ingest/README.md for its form.");
  }
}

async function configuredProducer(name: string, value: Settings): Promise<Producer> {
  try {
    return await toProducer(name, value);
  } catch {
    throw new Error("A secret in INGEST_SECRETS is not valid for the way in which its producer authenticates.");
  }
}

async function toProducer(name: string, read: Settings, hashed?: Uint8Array[]): Promise<Producer> {
  const { auth, secrets } = read;
  return {
    name,
    auth,
    secrets: hashed ?? (await Promise.all(secrets.map((secret) => keyOf(auth, secret)))),
    tolerance: read.tolerance,
    maxBacklog: read.max_backlog ?? undefined,
    tellsPlaces: read.tells_places,
    isUpstream: read.is_upstream,
    // A signature covers the body, and no header that could give the same bytes another meaning.
    format: read.format ?? (auth === "secret" ? undefined : "json"),
    types: read.types ?? undefined,
    customers: read.customers ?? undefined,
    maxRate: read.max_rate ?? undefined,
    dailyQuota: read.daily_quota ?? undefined,
  };
}

/** Standard Webhooks: `whsec_` and base64. An empty key would let anybody sign. */
async function keyOf(auth: Authentication, secret: string): Promise<Uint8Array> {
  if (auth === "secret") return sha256(secret);
  const isBase64 = auth === "standard-webhooks";
  const key = isBase64 ? Uint8Array.fromBase64(secret.replace(/^whsec_/, "")) : utf8(secret);
  if (key.byteLength === 0) throw new Error("A secret is empty.");
  return key;
}

function plain(secrets: string[]): Settings {
  return v.parse(settings, { secrets });
}
