import type { Env } from "../../env.ts";
import { HttpError } from "../../http/errors.ts";
import { sha256 } from "../../values/bytes.ts";
import { findProducer, type Producer } from "./find.ts";
import { MAX_SECRETS } from "./schemes.ts";
import { isGithubSigned, isSigned, standardWebhookTime } from "./signature.ts";

/** A digest that no secret has. Fills up the list of a producer with fewer than MAX_SECRETS secrets. */
const NOBODYS_DIGEST = new Uint8Array(32);

/** The same response for every reason. */
const refused = () =>
  new HttpError(401, { detail: "Unknown producer or wrong secret." }, { "WWW-Authenticate": "Bearer" });

/** The credentials of a request. */
export interface Presented {
  /** Bearer secret, or the one in the URL. */
  secret: string;
  headers: Headers;
  /** Raw; only used when the request is signed. */
  body: Uint8Array;
}

/**
 * The producer that sent the request; throws 401 when the request does not prove it in the producer's own way. The work
 * depends on the request alone, so an unknown producer, a wrong secret and a missing secret take the same path. A valid
 * signature that is too old gets a 401 that says so, because its sender knows the secret. `now` in milliseconds.
 */
export async function authenticate(env: Env, name: string, presented: Presented, now: number): Promise<Producer> {
  const producer = await findProducer(env, name, now);
  const keys = (auth: Producer["auth"]) => (producer?.auth === auth ? producer.secrets : []);
  const { headers, body } = presented;
  const signed = isSigned(headers);
  const hasSecret = await isSecretOf(presented.secret, keys("secret"));
  const signedAt = signed ? await standardWebhookTime(headers, body, keys("standard-webhooks")) : undefined;
  const isGithubs = signed && (await isGithubSigned(headers, body, keys("github")));
  if (producer === undefined || !(hasSecret || isGithubs || signedAt !== undefined)) throw refused();
  if (signedAt !== undefined) checkAge(signedAt, producer.tolerance, now);
  return producer;
}

function checkAge(signedAt: number, tolerance: number, now: number): void {
  const age = Math.floor(now / 1000 - signedAt);
  if (Math.abs(age) <= tolerance) return;
  const when = age > 0 ? `too old: it was signed ${age} s ago` : `too new: it was signed for ${-age} s from now`;
  const detail = `The signature is right, but the message is ${when}, and ${tolerance} s are allowed.`;
  throw new HttpError(401, { detail }, { "WWW-Authenticate": "Bearer" });
}

/** Constant time: compares digests, and always MAX_SECRETS of them. */
async function isSecretOf(presented: string, digests: readonly Uint8Array[]): Promise<boolean> {
  const digest = await sha256(presented);
  let matches = 0;
  for (let index = 0; index < MAX_SECRETS; index++) {
    matches += Number(crypto.subtle.timingSafeEqual(digest, digests[index] ?? NOBODYS_DIGEST));
  }
  return matches > 0;
}

/** The secret of `Authorization: Bearer <secret>`; empty without one. */
export function bearerSecret(header: string | undefined): string {
  return /^bearer +(\S+) *$/i.exec(header ?? "")?.[1] ?? "";
}
