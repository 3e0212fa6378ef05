import type { Context } from "hono";
import * as v from "valibot";
import type { App } from "../env.ts";

/** An error for the client: a status, a JSON body and headers. Any other error becomes a 500 without details. */
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

/** 400; `body` has the shape that the contract gives this error. */
export const badRequest = (body: unknown) => new HttpError(400, body);

/** 401 with the challenge Waldur sends. */
export const notAuthenticated = (detail: string) => new HttpError(401, { detail }, { "WWW-Authenticate": "Token" });

/** 403 with the text of Django REST framework. */
export const permissionDenied = () =>
  new HttpError(403, { detail: "You do not have permission to perform this action." });

export const notFound = (detail = "Not found.") => new HttpError(404, { detail });

export const methodNotAllowed = (method: string) => new HttpError(405, { detail: `Method "${method}" not allowed.` });

export const notAcceptable = () => new HttpError(406, { detail: "Could not satisfy the request Accept header." });

/** 413; `limit` in bytes. */
export const tooLarge = (what: string, limit: number) =>
  new HttpError(413, { detail: `${what} is larger than ${limit} bytes.`, limit });

/** 503: nothing was accepted, and the client may send the request again after `retryAfter` seconds. */
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

/**
 * The one exit of all errors. An error that is not an HttpError is logged with the request id and becomes a 500
 * without details.
 */
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
 * The part of an error that may be logged: its first cause, and the stack. The messages in between may quote the
 * parameters of a query (Drizzle's do), and so hashes of tokens or the text of events. Errors of JSON and of schemas quote
 * what they have read, so their name must do.
 */
export function reason(error: unknown): { error: string; stack?: string } {
  if (!(error instanceof Error)) return { error: String(error) };
  if (error.cause instanceof Error) return reason(error.cause);
  const frames = error.stack?.split("\n").filter((line) => /^\s+at /.test(line)) ?? [];
  const quotes = error instanceof SyntaxError || v.isValiError(error);
  return { error: quotes ? error.name : String(error), stack: frames.join("\n") };
}

function jsonHeaders(c: Context<App>): Headers {
  const headers = new Headers(c.res.headers);
  headers.set("Content-Type", "application/json");
  headers.set("Cache-Control", "no-store");
  return headers;
}
