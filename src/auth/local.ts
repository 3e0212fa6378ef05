import type { Database } from "../db/client.ts";
import { ExpiringCache } from "../http/cache.ts";
import { notAuthenticated, reason } from "../http/errors.ts";
import { sha256Hex } from "../values/bytes.ts";
import type { Actor, UserLookup } from "./actor.ts";
import { type Credentials, MAX_CACHED_IDENTITIES, type Principal } from "./principal.ts";
import { findToken, findUser, touchToken } from "./tokens.ts";

const DAY_MS = 86_400_000;
const MICROSECONDS_PER_MS = 1_000;
const MICROSECONDS_PER_SECOND = 1_000_000;

type Held = NonNullable<Awaited<ReturnType<typeof findToken>>> & { hash: string };
type Person = NonNullable<Awaited<ReturnType<typeof findUser>>>;

/** By the token itself, so that one in use costs no hash. */
const heldTokens = new ExpiringCache<Held>(MAX_CACHED_IDENTITIES);
const people = new ExpiringCache<Person>(MAX_CACHED_IDENTITIES);

/**
 * `AUTH=local`: identifies a user by the tokens, users and roles of our own database. `db` is the primary: a replica that
 * lags would refuse a new token and accept a revoked one. Throws 401.
 */
export async function identifyLocally(db: Database, credentials: Credentials): Promise<Principal> {
  const { impersonated } = credentials;
  const held = await usableToken(db, credentials);
  touch(db, held, credentials);
  const lookUpUser: UserLookup = async (uuid) => {
    const person = await findPerson(db, uuid, credentials);
    return { known: person !== undefined, roles: person?.roles ?? [] };
  };
  return { actor: await actorOf(db, held, impersonated, credentials), lookUpUser, key: held.hash };
}

/**
 * The token. Throws 401 when it is unknown or expired, or its user is inactive. A cached token is read again before
 * it is refused.
 */
async function usableToken(db: Database, { token, now, maxAge }: Credentials): Promise<Held> {
  const cached = heldTokens.get(token, maxAge, now);
  if (cached !== undefined && !hasExpired(cached, now)) return cached;
  const hash = cached?.hash ?? (await sha256Hex(token));
  const found = await findToken(db, hash);
  if (found === undefined) throw notAuthenticated("Invalid token.");
  const held = { ...found, hash };
  if (!held.isActive) throw notAuthenticated("User inactive or deleted.");
  if (hasExpired(held, now)) throw notAuthenticated("Token has expired.");
  heldTokens.set(token, held, now);
  return held;
}

function hasExpired({ expires, created, tokenLifetime }: Held, now: number): boolean {
  const time = now * MICROSECONDS_PER_MS;
  if (expires !== null && time >= expires) return true;
  return tokenLifetime !== null && time > created + tokenLifetime * MICROSECONDS_PER_SECOND;
}

/**
 * Records the day of use once a day, and the new start of a lifetime every half lifetime. Runs after the response and
 * cannot fail it.
 */
function touch(db: Database, held: Held, { now, request, defer }: Credentials): void {
  const day = Math.floor(now / DAY_MS);
  const time = now * MICROSECONDS_PER_MS;
  const { tokenLifetime, created, lastUsedDay } = held;
  const slides = tokenLifetime !== null && time - created > (tokenLifetime * MICROSECONDS_PER_SECOND) / 2;
  if (lastUsedDay === day && !slides) return;
  held.lastUsedDay = day;
  if (slides) held.created = time;
  defer(touchToken(db, held.hash, day, slides ? time : undefined).catch((error) => logFailure(request, error)));
}

function logFailure(request: string, error: unknown): void {
  console.error(JSON.stringify({ level: "error", event: "token_not_touched", request, ...reason(error) }));
}

/** The user of the token, or the user whom staff impersonates. An unknown user is ignored, as in Waldur. */
async function actorOf(db: Database, held: Held, impersonated: string | undefined, age: Age): Promise<Actor> {
  const self = { uuid: held.uuid, isStaff: held.isStaff, isSupport: held.isSupport, roles: held.roles };
  if (impersonated === undefined || !held.isStaff) return self;
  const other = await findPerson(db, impersonated, age);
  if (other === undefined) return self;
  const { uuid, isStaff, isSupport, roles } = other;
  return { uuid, isStaff, isSupport, roles, impersonator: held.uuid };
}

/** How old an identity may be. */
type Age = Pick<Credentials, "now" | "maxAge">;

async function findPerson(db: Database, uuid: string, { now, maxAge }: Age): Promise<Person | undefined> {
  const cached = people.get(uuid, maxAge, now);
  if (cached !== undefined) return cached;
  const person = await findUser(db, uuid);
  if (person !== undefined) people.set(uuid, person, now);
  return person;
}
