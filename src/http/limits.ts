import type { Context, MiddlewareHandler } from "hono";
import type { App } from "../env.ts";
import { networkOf } from "./address.ts";
import { ExpiringCache } from "./cache.ts";
import { errorResponse, HttpError, tooManyRequests } from "./errors.ts";

declare module "hono" {
  interface ContextVariableMap {
    /** Whether nobody could tell if the credentials are right. */
    isUnanswered: boolean;
  }
}

/** Seconds; the period of every rate limit in wrangler.toml. */
const PERIOD_S = 60;
const MS_PER_S = 1_000;
const MAX_BLOCKED_NETWORKS = 10_000;
/** Milliseconds after their last acceptance that credentials may be used from a blocked address. */
const ACCEPTED_MS = 600_000;
const MAX_ACCEPTED = 10_000;

/** Addresses with too many failed authentications, as `networkOf` names them. */
const blocked = new ExpiringCache<true>(MAX_BLOCKED_NETWORKS);
/** The keys of credentials that this isolate has accepted lately. */
const accepted = new ExpiringCache<true>(MAX_ACCEPTED);

/** The credentials of a request, before they are checked. */
export interface Attempt {
  /**
   * The credentials as they were sent, not hashed, so that a guess costs no hash. A look-up in a Map compares hashes of its
   * own first, so its time says nothing about the beginning of a key. Credentials that differ for each request, which
   * signatures do, have a key that stands for their sender.
   */
  key: string;
  /** Requests with the same key may differ in what proves them, so the failure of one says nothing about the others. */
  isShared?: boolean;
}

/**
 * Throws 429 for an address with too many requests, and answers 429 instead of 401 to one with too many failed
 * authentications.
 */
export const limits: MiddlewareHandler<App> = async (c, next) => {
  const network = networkOfClient(c);
  const { ADDRESS_RATE, ADDRESS_LIMIT, FAILURE_RATE } = c.env;
  if (network === undefined) return next();
  if (await isOver(ADDRESS_RATE, network)) throw tooManyRequests(ADDRESS_LIMIT ?? 0, PERIOD_S);
  await next();
  const hasFailed = c.res.status === 401 || c.get("isUnanswered");
  if (!hasFailed || !(await isOver(FAILURE_RATE, network))) return;
  blocked.set(network, true, Date.now());
  c.res = errorResponse(tooManyFailures(c), c);
  c.res.headers.delete("WWW-Authenticate");
};

/** Throws 429 for a token with too many requests. `key`: stands for the token, and is not the token. */
export async function limitToken(c: Context<App>, key: string): Promise<void> {
  if (await isOver(c.env.TOKEN_RATE, key)) throw tooManyRequests(c.env.TOKEN_LIMIT ?? 0, PERIOD_S);
}

/**
 * Throws 429 when the address is blocked for too many failures, unless these credentials were accepted lately. Called
 * before anything is hashed, read or asked, because a guess must cost nothing. `now` in milliseconds.
 *
 * What remains possible: each isolate knows only the failures and acceptances that it has seen, so a guesser has the limit
 * once for each isolate, and valid credentials that an isolate has not seen are refused while the address is blocked.
 */
export function refuseGuess(c: Context<App>, { key }: Attempt, now: number): void {
  const network = networkOfClient(c);
  if (network === undefined || blocked.get(network, PERIOD_S * MS_PER_S, now) === undefined) return;
  if (accepted.get(key, ACCEPTED_MS, now) === undefined) throw tooManyFailures(c);
}

/**
 * The result of a check of credentials. Remembers those that it accepts, and forgets those that it refuses with 401. A
 * check of unknown credentials that ends with 503 counts as failed, or guesses would be free while nobody can answer.
 */
export async function outcomeOf<T>(
  c: Context<App>,
  { key, isShared = false }: Attempt,
  now: number,
  check: () => Promise<T>,
): Promise<T> {
  try {
    const result = await check();
    accepted.set(key, true, now);
    return result;
  } catch (error) {
    const status = error instanceof HttpError ? error.status : 500;
    if (status === 401 && !isShared) accepted.delete(key);
    c.set("isUnanswered", status === 503 && accepted.get(key, ACCEPTED_MS, now) === undefined);
    throw error;
  }
}

const tooManyFailures = (c: Context<App>): HttpError => tooManyRequests(c.env.FAILURE_LIMIT ?? 0, PERIOD_S);

const isOver = async (rate: RateLimit | undefined, key: string): Promise<boolean> =>
  rate !== undefined && !(await rate.limit({ key })).success;

/** What the client's address counts under. Cloudflare sets it, so a client cannot choose it; absent without Cloudflare. */
export function networkOfClient(c: Context<App>): string | undefined {
  const address = c.req.header("CF-Connecting-IP");
  return address === undefined ? undefined : networkOf(address);
}
