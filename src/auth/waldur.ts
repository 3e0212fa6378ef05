import * as v from "valibot";
import type { Env } from "../env.ts";
import { ExpiringCache } from "../http/cache.ts";
import { notAuthenticated, tooManyRequests, unavailable } from "../http/errors.ts";
import { sha256Hex } from "../values/bytes.ts";
import type { UserLookup } from "./actor.ts";
import { type Credentials, MAX_CACHED_IDENTITIES, type Principal } from "./principal.ts";
import { askWaldur, Unreachable } from "./upstream.ts";
import { toActor, waldurUser } from "./waldur-user.ts";

/** Milliseconds that a refusal is cached, so that a new token works soon after a first try that was too early. */
export const REFUSAL_CACHE_MS = 10_000;
/** Milliseconds that the last good answer may be used while Waldur does not answer; `WALDUR_STALE=off` forbids it. */
export const STALE_MS = 600_000;
/** Milliseconds without another call for a token after Waldur did not answer. */
export const PAUSE_MS = 5_000;
/** Users that one token may have Waldur look up in a minute; each is a call. */
export const MAX_LOOK_UPS = 600;
const LOOK_UP_PERIOD_S = 60;
const MS_PER_S = 1_000;
/** Seconds. */
const RETRY_AFTER = 5;

/** Texts of Waldur that are passed on; any other refusal becomes `Invalid token.`. */
const KNOWN_REFUSALS = new Set(["Invalid token.", "User inactive or deleted.", "Token has expired."]);

type User = v.InferOutput<typeof waldurUser>;
type Answer = { accepted: User } | { refused: string };

const users = new ExpiringCache<User>(MAX_CACHED_IDENTITIES);
/** Apart from the users, so that guesses cannot push them out. */
const refusals = new ExpiringCache<string>(MAX_CACHED_IDENTITIES);
const paused = new ExpiringCache<true>(MAX_CACHED_IDENTITIES);
const visibleUsers = new ExpiringCache<boolean>(MAX_CACHED_IDENTITIES);
const lookUps = new ExpiringCache<{ count: number }>(MAX_CACHED_IDENTITIES);

/**
 * `AUTH=waldur`: identifies a user by asking the Waldur of `WALDUR_URL`. Throws 401, or 503 when Waldur does not
 * answer and no earlier answer can be used.
 */
export async function identifyByWaldur(env: Env, credentials: Credentials): Promise<Principal> {
  if (!env.WALDUR_URL) throw new Error("AUTH=waldur needs WALDUR_URL.");
  const key = await sha256Hex(`${env.WALDUR_URL}\n${credentials.header}`);
  const answer = await answerFor(env, key, credentials);
  if ("refused" in answer) throw notAuthenticated(answer.refused);
  return { actor: toActor(answer.accepted), lookUpUser: lookUpUserOf(env, key, credentials), key };
}

/** A fresh answer, from a cache or from Waldur; else the last user, if it may be used. Throws 503 without any. */
async function answerFor(env: Env, key: string, credentials: Credentials): Promise<Answer> {
  const { now, maxAge } = credentials;
  const refused = refusals.get(key, REFUSAL_CACHE_MS, now);
  if (refused !== undefined) return { refused };
  const fresh = users.get(key, maxAge, now);
  if (fresh !== undefined) return { accepted: fresh };
  const stale = env.WALDUR_STALE === "off" ? undefined : users.get(key, STALE_MS, now);
  const isPaused = paused.get(key, PAUSE_MS, now) !== undefined;
  const answer = isPaused ? undefined : await freshAnswer(env, key, credentials, stale !== undefined);
  if (answer !== undefined) return answer;
  if (stale === undefined) throw notAnswering();
  return { accepted: stale };
}

/** The answer of Waldur, which is cached; undefined when it does not answer, which is logged. */
async function freshAnswer(env: Env, key: string, credentials: Credentials, hasStale: boolean) {
  const { now, request } = credentials;
  try {
    const answer = await askWaldur(key, env, credentials, "/api/users/me/", readMe);
    if ("accepted" in answer) users.set(key, answer.accepted, now);
    else {
      users.delete(key);
      refusals.set(key, answer.refused, now);
    }
    return answer;
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    logUnreachable(request, error.message, hasStale);
    paused.set(key, true, now);
    return undefined;
  }
}

const notAnswering = () => unavailable("Waldur, which knows the users, does not answer.", RETRY_AFTER);

function logUnreachable(request: string, reason: string, stale: boolean): void {
  console.warn(JSON.stringify({ level: "warn", event: "waldur_unreachable", request, reason, stale }));
}

/** Reads the answer of `/api/users/me/`. Throws Unreachable for anything but a user or a refusal. */
async function readMe(response: Response): Promise<Answer> {
  if (response.status === 401 || response.status === 403) return { refused: await refusal(response) };
  if (response.status !== 200) throw new Unreachable(`status ${response.status}`);
  const user = v.safeParse(waldurUser, await response.json());
  if (!user.success) throw new Unreachable("not a user");
  return user.output.is_active ? { accepted: user.output } : { refused: "User inactive or deleted." };
}

async function refusal(response: Response): Promise<string> {
  const body = v.safeParse(v.object({ detail: v.string() }), await response.json().catch(() => undefined));
  return body.success && KNOWN_REFUSALS.has(body.output.detail) ? body.output.detail : "Invalid token.";
}

/**
 * A look-up that asks Waldur whether the caller may see a user: 200 if so, 404 if not. Throws 429 after MAX_LOOK_UPS
 * calls in a minute, because anybody with a token could make up users.
 */
function lookUpUserOf(env: Env, key: string, credentials: Credentials): UserLookup {
  return async (user) => {
    const { now, maxAge } = credentials;
    const cacheKey = `${key} ${user}`;
    const cached = visibleUsers.get(cacheKey, maxAge, now);
    if (cached !== undefined) return { known: cached, visible: cached };
    countLookUp(key, now);
    try {
      const visible = await askWaldur(cacheKey, env, credentials, `/api/users/${user}/`, readVisible);
      visibleUsers.set(cacheKey, visible, now);
      return { known: visible, visible };
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      throw notAnswering();
    }
  };
}

function countLookUp(key: string, now: number): void {
  const period = lookUps.get(key, LOOK_UP_PERIOD_S * MS_PER_S, now) ?? { count: 0 };
  if (period.count >= MAX_LOOK_UPS) throw tooManyRequests(MAX_LOOK_UPS, LOOK_UP_PERIOD_S);
  if (period.count === 0) lookUps.set(key, period, now);
  period.count += 1;
}

async function readVisible({ status }: Response): Promise<boolean> {
  if (status === 200) return true;
  if (status === 404 || status === 403) return false;
  throw new Unreachable(`status ${status}`);
}
