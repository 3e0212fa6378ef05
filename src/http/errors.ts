import type { Context } from "hono";
import type { App } from "../env.ts";

/** An error the client is told about: a status, a JSON body and headers. Everything else becomes a bare 500. */
export class HttpError extends Error {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Record<string, string>;

  constructor(status: number, body: unknown, headers: Record<string, string> = {}) {
    super(typeof body === "string" ? body : JSON.stringify(body));
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

/** 400; the body is whatever shape the contract gives this error. */
export const badRequest = (body: unknown) => new HttpError(400, body);

/** 401 with the challenge Waldur sends. */
export const notAuthenticated = (detail: string) => new HttpError(401, { detail }, { "WWW-Authenticate": "Token" });

export const permissionDenied = () =>
  new HttpError(403, { detail: "You do not have permission to perform this action." });

export const notFound = (detail = "Not found.") => new HttpError(404, { detail });

export const methodNotAllowed = (method: string) => new HttpError(405, { detail: `Method "${method}" not allowed.` });

export const notAcceptable = () => new HttpError(406, { detail: "Could not satisfy the request Accept header." });

/** 413; `limit` in bytes. */
export const tooLarge = (what: string, limit: number) =>
  new HttpError(413, { detail: `${what} is larger than ${limit} bytes.`, limit });

/** 503: nothing was accepted, the same request may be sent again after `retryAfter` seconds. */
export const unavailable = (detail: string, retryAfter = 5) =>
  new HttpError(503, { detail }, { "Retry-After": String(retryAfter) });

/** 429 with the headers of a rate limit: `limit` was reached, and the client may try again after `period` seconds. */
export const tooManyRequests = (
  limit: number,
  period: number,
  detail = `Request was throttled. Expected available in ${period} seconds.`,
) =>
  new HttpError(
    429,
    { detail },
    {
      "Retry-After": String(period),
      "RateLimit-Limit": String(limit),
      "RateLimit-Remaining": "0",
      "RateLimit-Reset": String(period),
    },
  );

/** The one exit of every error. What is not an HttpError is logged with the request id and told as a bare 500. */
export function errorResponse(error: Error, c: Context<App>): Response {
  if (error instanceof HttpError) {
    for (const [name, value] of Object.entries(error.headers)) c.header(name, value);
    return new Response(JSON.stringify(error.body), { status: error.status, headers: jsonHeaders(c) });
  }
  console.error(JSON.stringify({ level: "error", request: c.get("requestId"), ...reason(error) }));
  const body = JSON.stringify({ detail: "Internal server error.", request_id: c.get("requestId") });
  return new Response(body, { status: 500, headers: jsonHeaders(c) });
}

/**
 * What the log may hold of an error: its first cause, and where it was thrown. A message in between may quote the
 * parameters of a query (Drizzle's do), and with them tokens' hashes or what people wrote.
 */
export function reason(error: unknown): { error: string; stack?: string } {
  if (!(error instanceof Error)) return { error: String(error) };
  if (error.cause instanceof Error) return reason(error.cause);
  const frames = error.stack?.split("\n").filter((line) => /^\s+at /.test(line)) ?? [];
  return { error: String(error), stack: frames.join("\n") };
}

function jsonHeaders(c: Context<App>): Headers {
  const headers = new Headers(c.res.headers);
  headers.set("Content-Type", "application/json");
  headers.set("Cache-Control", "no-store");
  return headers;
}
