import type { Context, MiddlewareHandler } from "hono";
import type { App } from "../env.ts";
import { networkOf } from "./address.ts";
import { ExpiringCache } from "./cache.ts";
import { errorResponse, tooManyRequests } from "./errors.ts";

/** Seconds; the period of every rate limit in wrangler.toml. */
const PERIOD_S = 60;
const MS_PER_S = 1_000;
const MAX_BLOCKED_ADDRESSES = 10_000;

/** Addresses with too many failed authentications, as `networkOf` names them. */
const blocked = new ExpiringCache<true>(MAX_BLOCKED_ADDRESSES);

/**
 * Throws 429 for an address with too many requests, and answers 429 instead of 401 to one with too many failed
 * authentications.
 */
export const limits: MiddlewareHandler<App> = async (c, next) => {
  const address = addressOf(c);
  const { ADDRESS_RATE, ADDRESS_LIMIT, FAILURE_RATE, FAILURE_LIMIT } = c.env;
  if (address === undefined) return next();
  if (await isOver(ADDRESS_RATE, address)) throw tooManyRequests(ADDRESS_LIMIT ?? 0, PERIOD_S);
  await next();
  if (c.res.status !== 401 || !(await isOver(FAILURE_RATE, address))) return;
  blocked.set(address, true, Date.now());
  c.res = errorResponse(tooManyRequests(FAILURE_LIMIT ?? 0, PERIOD_S), c);
  c.res.headers.delete("WWW-Authenticate");
};

/** Throws 429 for a token with too many requests. `hash`: of the token. */
export async function limitToken(c: Context<App>, hash: string): Promise<void> {
  if (await isOver(c.env.TOKEN_RATE, hash)) throw tooManyRequests(c.env.TOKEN_LIMIT ?? 0, PERIOD_S);
}

/**
 * Throws 429 for an address with too many failures: it may use cached tokens, but not try others. `now` in
 * milliseconds.
 */
export function refuseBlocked(c: Context<App>, now: number): void {
  const address = addressOf(c);
  if (address === undefined || blocked.get(address, PERIOD_S * MS_PER_S, now) === undefined) return;
  throw tooManyRequests(c.env.FAILURE_LIMIT ?? 0, PERIOD_S);
}

const isOver = async (rate: RateLimit | undefined, key: string): Promise<boolean> =>
  rate !== undefined && !(await rate.limit({ key })).success;

/** Cloudflare sets it, so a client cannot choose it. Absent without Cloudflare in front, as in tests. */
function addressOf(c: Context<App>): string | undefined {
  const address = c.req.header("CF-Connecting-IP");
  return address === undefined ? undefined : networkOf(address);
}
