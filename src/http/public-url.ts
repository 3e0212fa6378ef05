import type { Context } from "hono";
import type { App } from "../env.ts";

/**
 * The URL of a request as its client knows it: with the origin of `PUBLIC_ORIGIN`, where a reverse proxy asks the Worker
 * under another one. No header is read for it, because every client can send one. Throws for an origin that is not valid.
 */
export function publicUrl(c: Context<App>): string {
  const { PUBLIC_ORIGIN } = c.env;
  if (!PUBLIC_ORIGIN) return c.req.url;
  const { pathname, search } = new URL(c.req.url);
  return `${originOf(PUBLIC_ORIGIN)}${pathname}${search}`;
}

/** Throws an error of fixed text: the value may be a secret that was meant for another variable. */
function originOf(url: string): string {
  const parsed = URL.parse(url);
  if (parsed !== null && /^https?:$/.test(parsed.protocol)) return parsed.origin;
  throw new Error("PUBLIC_ORIGIN must be like https://waldur.example.com.");
}
