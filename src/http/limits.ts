import type { Context, MiddlewareHandler } from "hono";
import type { App } from "../env.ts";
import { ExpiringCache } from "./cache.ts";
import { errorResponse, tooManyRequests } from "./errors.ts";

/** Seconds; the period of every rate limit in wrangler.toml. */
const PERIOD_S = 60;
const MS_PER_S = 1_000;
const MAX_BLOCKED_ADDRESSES = 10_000;

/** Addresses whose last failed authentication was one too many. */
const blocked = new ExpiringCache<true>(MAX_BLOCKED_ADDRESSES);

/** 429 for an address that asks too often, and in place of 401 for one that failed to say who it is too often. */
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

/** 429 for a token that is used too often; `hash` of what was presented. */
export async function limitToken(c: Context<App>, hash: string): Promise<void> {
  if (await isOver(c.env.TOKEN_RATE, hash)) throw tooManyRequests(c.env.TOKEN_LIMIT ?? 0, PERIOD_S);
}

/** 429 for an address that failed too often: it may use tokens we know, but not try others. */
export function refuseBlocked(c: Context<App>, now: number): void {
  const address = addressOf(c);
  if (address === undefined || blocked.get(address, PERIOD_S * MS_PER_S, now) === undefined) return;
  throw tooManyRequests(c.env.FAILURE_LIMIT ?? 0, PERIOD_S);
}

const isOver = async (rate: RateLimit | undefined, key: string): Promise<boolean> =>
  rate !== undefined && !(await rate.limit({ key })).success;

/** Set by Cloudflare; a client cannot choose it. Missing only where nobody is in front of us, as in tests. */
const addressOf = (c: Context<App>): string | undefined => c.req.header("CF-Connecting-IP");
