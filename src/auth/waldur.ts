import * as v from "valibot";
import type { Env } from "../env.ts";
import { ExpiringCache } from "../http/cache.ts";
import { notAuthenticated, unavailable } from "../http/errors.ts";
import { sha256Hex } from "../values/bytes.ts";
import type { UserLookup } from "./actor.ts";
import { type Credentials, IDENTITY_CACHE_MS, MAX_CACHED_IDENTITIES, type Principal } from "./principal.ts";
import { askWaldur, Unreachable } from "./upstream.ts";
import { toActor, waldurUser } from "./waldur-user.ts";

/** Milliseconds that a refusal is cached, so that a new token works soon after a first try that was too early. */
export const REFUSAL_CACHE_MS = 10_000;
/** Milliseconds that the last good answer may be used while Waldur does not answer; `WALDUR_STALE=off` forbids it. */
export const STALE_MS = 600_000;
/** Milliseconds without another call for a token after Waldur did not answer, while an old answer can be used. */
export const PAUSE_MS = 5_000;
/** Seconds. */
const RETRY_AFTER = 5;

/** Texts of Waldur that are passed on; any other refusal becomes `Invalid token.`. */
const KNOWN_REFUSALS = new Set(["Invalid token.", "User inactive or deleted.", "Token has expired."]);

type Answer = { accepted: v.InferOutput<typeof waldurUser> } | { refused: string };

const answers = new ExpiringCache<{ answer: Answer; at: number; pausedUntil: number }>(MAX_CACHED_IDENTITIES);
const visibleUsers = new ExpiringCache<boolean>(MAX_CACHED_IDENTITIES);

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

/** A fresh answer, from the cache or from Waldur; else the last good one, if it may be used. */
async function answerFor(env: Env, key: string, credentials: Credentials): Promise<Answer> {
  const { now } = credentials;
  const last = answers.get(key, STALE_MS, now);
  const maxAge = last && "refused" in last.answer ? REFUSAL_CACHE_MS : IDENTITY_CACHE_MS;
  if (last && now - last.at < maxAge) return last.answer;
  const stale = last && "accepted" in last.answer && env.WALDUR_STALE !== "off" ? last : undefined;
  if (stale && now < stale.pausedUntil) return stale.answer;
  try {
    const answer = await askWaldur(key, env, credentials, "/api/users/me/", readMe);
    answers.set(key, { answer, at: now, pausedUntil: 0 }, now);
    return answer;
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    logUnreachable(credentials.request, error.message, stale !== undefined);
    if (stale === undefined) throw unavailable("Waldur, which knows the users, does not answer.", RETRY_AFTER);
    stale.pausedUntil = now + PAUSE_MS;
    return stale.answer;
  }
}

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

/** A look-up that asks Waldur whether the caller may see a user: 200 if so, 404 if not. */
function lookUpUserOf(env: Env, key: string, credentials: Credentials): UserLookup {
  return async (user) => {
    const { now } = credentials;
    const cacheKey = `${key} ${user}`;
    const cached = visibleUsers.get(cacheKey, IDENTITY_CACHE_MS, now);
    if (cached !== undefined) return { known: cached, visible: cached };
    try {
      const visible = await askWaldur(cacheKey, env, credentials, `/api/users/${user}/`, readVisible);
      visibleUsers.set(cacheKey, visible, now);
      return { known: visible, visible };
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      throw unavailable("Waldur, which knows the users, does not answer.", RETRY_AFTER);
    }
  };
}

async function readVisible({ status }: Response): Promise<boolean> {
  if (status === 200) return true;
  if (status === 404 || status === 403) return false;
  throw new Unreachable(`status ${status}`);
}
