import type { MiddlewareHandler } from "hono";
import type { App } from "../env.ts";

/** Seconds that a browser may cache a preflight response. */
const PREFLIGHT_MAX_AGE = 86_400;
const EXPOSED =
  "Link, X-Result-Count, X-Result-Count-Exact, ETag, Server-Timing, X-D1-Bookmark, X-Request-Id, X-Impersonator-Uuid, Retry-After, Stream-Next-Offset, Stream-Up-To-Date, Stream-Cursor, Stream-Complete-Through";
/** What the read endpoints know, and what the gateways of Waldur's examples allow; Sentry sends the last line. */
const ALLOWED_HEADERS = [
  "Authorization, Content-Type, Accept, Accept-Language, If-None-Match, Last-Event-ID, X-D1-Bookmark, X-Impersonated-User-Uuid",
  "Accept-Encoding, Cache-Control, DNT, If-Modified-Since, Keep-Alive, Origin, Range, User-Agent",
  "X-CSRFToken, X-Requested-With",
  "sentry-trace, baggage",
].join(", ");

/**
 * Lets pages of the origins in `CORS_ORIGINS` read every response, errors included. A preflight (OPTIONS with
 * Access-Control-Request-Method) gets an empty 200 before authentication, as in Waldur. Any other OPTIONS passes on,
 * which hono/cors cannot do.
 */
export const cors: MiddlewareHandler<App> = async (c, next) => {
  const origin = allowedOrigin(c.env.CORS_ORIGINS, c.req.header("Origin"));
  const isPreflight = c.req.method === "OPTIONS" && c.req.header("Access-Control-Request-Method") !== undefined;
  if (isPreflight) c.res = new Response(null, { status: 200 });
  else await next();
  if (c.env.CORS_ORIGINS.trim() !== "*") c.res.headers.append("Vary", "Origin");
  if (origin === undefined) return;
  c.res.headers.set("Access-Control-Allow-Origin", origin);
  c.res.headers.set("Access-Control-Expose-Headers", EXPOSED);
  if (!isPreflight) return;
  c.res.headers.set("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS");
  c.res.headers.set("Access-Control-Allow-Headers", ALLOWED_HEADERS);
  c.res.headers.set("Access-Control-Max-Age", String(PREFLIGHT_MAX_AGE));
};

function allowedOrigin(configured: string, origin: string | undefined): string | undefined {
  const origins = configured.split(",").map((entry) => entry.trim());
  if (origins.includes("*")) return "*";
  return origin !== undefined && origins.includes(origin) ? origin : undefined;
}
