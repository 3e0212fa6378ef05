import type { Context, Hono, MiddlewareHandler } from "hono";
import { authenticate } from "../auth/authenticate.ts";
import { Reader } from "../db/reader.ts";
import type { App } from "../env.ts";
import { HttpError, methodNotAllowed, notAuthenticated, unavailable } from "../http/errors.ts";
import { outcomeOf, refuseGuess } from "../http/limits.ts";
import { sha256 } from "../values/bytes.ts";
import { CONTENT_TYPES, expose, expositionOf } from "./exposition.ts";
import { readFacts } from "./facts.ts";
import { FAMILIES } from "./families.ts";
import { readiness } from "./readiness.ts";

/** Characters; a shorter METRICS_TOKEN opens nothing. */
const MIN_TOKEN_LENGTH = 20;
const NO_STORE = { "Cache-Control": "no-store" };

/** `GET /metrics`, for METRICS_TOKEN and staff, and `GET /readyz`, for anybody. */
export function mountOperations(app: Hono<App>): void {
  app.use("/metrics", authorize);
  app.get("/metrics", metrics);
  app.get("/readyz", ready);
  for (const path of ["/metrics", "/readyz"]) {
    app.all(path, (c) => {
      c.header("Allow", "GET, HEAD");
      throw methodNotAllowed(c.req.method);
    });
  }
}

async function metrics(c: Context<App>): Promise<Response> {
  const exposition = expositionOf(c.req.header("Accept"));
  const text = expose(FAMILIES, await readFacts(c.env), exposition);
  return c.body(text, 200, { "Content-Type": CONTENT_TYPES[exposition], Vary: "Accept", ...NO_STORE });
}

async function ready(c: Context<App>): Promise<Response> {
  const answer = await readiness(c.env);
  return c.json(answer, answer.ready ? 200 : 503, answer.ready ? NO_STORE : { ...NO_STORE, "Retry-After": "30" });
}

/** Throws 401 for all but METRICS_TOKEN and staff. METRICS_TOKEN needs no database, so it works while that is away. */
const authorize: MiddlewareHandler<App> = async (c, next) => {
  const now = Date.now();
  const attempt = { key: JSON.stringify(["metrics", c.req.header("Authorization")]) };
  refuseGuess(c, attempt, now);
  if (await hasMetricsToken(c)) await outcomeOf(c, attempt, now, async () => undefined);
  else await assertStaff(c);
  await next();
};

async function hasMetricsToken(c: Context<App>): Promise<boolean> {
  const [, given] = /^Bearer +(\S+) *$/i.exec(c.req.header("Authorization") ?? "") ?? [];
  const { METRICS_TOKEN: token = "" } = c.env;
  if (given === undefined || token.length < MIN_TOKEN_LENGTH) return false;
  const [a, b] = await Promise.all([sha256(given), sha256(token)]);
  return crypto.subtle.timingSafeEqual(a, b);
}

async function assertStaff(c: Context<App>): Promise<void> {
  try {
    c.set("reader", new Reader(c.env.DB));
    await authenticate(c, async () => undefined);
  } catch (error) {
    if (error instanceof HttpError) throw error;
    throw unavailable("Nobody can tell whether the token is that of staff; METRICS_TOKEN works without the database.");
  }
  if (!c.get("actor").isStaff) throw notAuthenticated("Invalid token.");
}
