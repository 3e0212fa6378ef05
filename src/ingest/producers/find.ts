import * as v from "valibot";
import { database } from "../../db/client.ts";
import type { Env } from "../../env.ts";
import { reason, unavailable } from "../../http/errors.ts";
import { sha256, utf8 } from "../../values/bytes.ts";
import { withDeadline } from "../deadline.ts";
import { producers } from "../table.ts";
import { AUTHENTICATIONS, type Authentication, DEFAULT_TOLERANCE, MAX_SECRETS } from "./schemes.ts";

const LOOKUP_DEADLINE_MS = 2_000;

/** A producer and the secrets that prove its identity. */
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
}

type Producers = ReadonlyMap<string, Producer | null>;

const secretList = v.pipe(v.array(v.pipe(v.string(), v.nonEmpty())), v.maxLength(MAX_SECRETS));
const settings = v.object({
  auth: v.optional(v.picklist(AUTHENTICATIONS), "secret"),
  secrets: secretList,
  tolerance: v.optional(v.pipe(v.number(), v.minValue(0)), DEFAULT_TOLERANCE),
  max_backlog: v.nullish(v.number()),
  tells_places: v.optional(v.boolean(), false),
  is_upstream: v.optional(v.boolean(), false),
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
async function fromRow({
  name,
  isActive,
  maxBacklog,
  tellsPlaces,
  isUpstream,
  secrets,
  ...rest
}: typeof producers.$inferSelect): Promise<[string, Producer | null]> {
  try {
    if (isActive === 0) return [name, null];
    const read = v.parse(settings, {
      ...rest,
      secrets: JSON.parse(secrets),
      max_backlog: maxBacklog,
      tells_places: tellsPlaces === 1,
      is_upstream: isUpstream === 1,
    });
    const hashed = read.auth === "secret" ? read.secrets.map((secret) => Uint8Array.fromHex(secret)) : undefined;
    return [name, await toProducer(name, read, hashed)];
  } catch {
    console.error(JSON.stringify({ level: "error", event: "producer_not_read", producer: name }));
    return [name, null];
  }
}

let cached: { configured: string; producers: Map<string, Producer> } | undefined;

/** Reads and hashes the variable once: it is constant for the life of an isolate. */
async function configuredProducers(configured: string): Promise<Map<string, Producer>> {
  if (cached?.configured === configured) return cached.producers;
  const entries = Object.entries(v.parse(configuration, JSON.parse(configured)));
  const named = await Promise.all(entries.map(async ([name, value]) => [name, await toProducer(name, value)] as const));
  cached = { configured, producers: new Map(named) };
  return cached.producers;
}

async function toProducer(
  name: string,
  { auth, secrets, tolerance, max_backlog, tells_places: tellsPlaces, is_upstream: isUpstream }: Settings,
  hashed?: Uint8Array[],
): Promise<Producer> {
  const keys = hashed ?? (await Promise.all(secrets.map((secret) => keyOf(auth, secret))));
  return { name, auth, secrets: keys, tolerance, maxBacklog: max_backlog ?? undefined, tellsPlaces, isUpstream };
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
