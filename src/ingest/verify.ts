import * as v from "valibot";
import { HttpError } from "../http/errors.ts";

/** During a rotation a producer has two secrets; more than these are refused when the configuration is read. */
export const MAX_SECRETS = 4;

const configuration = v.record(v.string(), v.pipe(v.array(v.pipe(v.string(), v.nonEmpty())), v.maxLength(MAX_SECRETS)));

/** No secret has this digest: it stands where a producer has fewer than MAX_SECRETS. */
const NOBODYS_DIGEST = new Uint8Array(32);

/** One answer, whatever was wrong. */
const refused = () =>
  new HttpError(401, { detail: "Unknown producer or wrong secret." }, { "WWW-Authenticate": "Bearer" });

/**
 * Whether `presented` is one of the producer's secrets; throws 401 if not. Digests are compared, in constant time, and
 * always MAX_SECRETS of them, so an unknown producer, a wrong secret and a missing one take the same path.
 * `configured` is the variable INGEST_SECRETS.
 */
export async function verifySecret(configured: string | undefined, producer: string, presented: string): Promise<void> {
  const digests = (await digestsOf(configured ?? "{}")).get(producer) ?? [];
  const digest = await sha256(presented);
  let matches = 0;
  for (let index = 0; index < MAX_SECRETS; index++) {
    matches += Number(crypto.subtle.timingSafeEqual(digest, digests[index] ?? NOBODYS_DIGEST));
  }
  if (matches === 0) throw refused();
}

/** The secret in `Authorization: Bearer <secret>`; empty when there is none. */
export function bearerSecret(header: string | undefined): string {
  return /^bearer +(\S+) *$/i.exec(header ?? "")?.[1] ?? "";
}

let cached: { configured: string; digests: Map<string, Uint8Array[]> } | undefined;

/** Secrets are constant for the life of an isolate: they are read and hashed once. */
async function digestsOf(configured: string): Promise<Map<string, Uint8Array[]>> {
  if (cached?.configured === configured) return cached.digests;
  const digests = new Map<string, Uint8Array[]>();
  for (const [producer, secrets] of Object.entries(v.parse(configuration, JSON.parse(configured)))) {
    digests.set(producer, await Promise.all(secrets.map(sha256)));
  }
  cached = { configured, digests };
  return digests;
}

async function sha256(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}
