import type { MiddlewareHandler } from "hono";
import type { App } from "../env.ts";

/** On every answer, errors too: what we send is data, never a page, and no other site learns the URL. */
const HEADERS = {
  "X-Content-Type-Options": "nosniff",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "Referrer-Policy": "no-referrer",
  "Strict-Transport-Security": "max-age=31536000",
} as const;

/** Sets them, and the request id on answers that were not made by Hono. */
export const securityHeaders: MiddlewareHandler<App> = async (c, next) => {
  await next();
  for (const [name, value] of Object.entries(HEADERS)) c.res.headers.set(name, value);
  c.res.headers.set("X-Request-Id", c.get("requestId"));
};
