import type { Context } from "hono";
import type { App } from "../env.ts";
import { byteLength } from "../values/bytes.ts";

/** Shared caches must not store the response; a private cache must revalidate it. */
export const PRIVATE_REVALIDATE = "private, no-cache";

/**
 * 200 with a body of JSON text. Sets Content-Length (bytes), so that HEAD, which runs the same route without its
 * body, has the length of the GET body.
 */
export function jsonText(c: Context<App>, text: string, headers: Record<string, string> = {}): Response {
  c.header("Content-Type", "application/json");
  c.header("Content-Length", String(byteLength(text)));
  c.header("Cache-Control", PRIVATE_REVALIDATE);
  for (const [name, value] of Object.entries(headers)) c.header(name, value);
  return c.body(text);
}
