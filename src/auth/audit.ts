import type { MiddlewareHandler } from "hono";
import type { App } from "../env.ts";

declare module "hono" {
  interface ContextVariableMap {
    /** Events in the response. */
    rows: number;
  }
}

/** Parameters whose values are logged. Of others, which may quote people or be secrets, only the length is. */
const LOGGED_PARAMETERS: ReadonlySet<string> = new Set([
  ...[
    "created_from",
    "created_to",
    "event_type",
    "feature",
    "scope",
    "o",
    "page",
    "page_size",
    "field",
    "live",
    "limit",
  ],
  ...["customer_uuid", "project_uuid", "user_uuid", "related_user_uuid", "auth_method", "pat_uuid"],
]);
/** Characters of the filter in a log line. */
const MAX_FILTER_LENGTH = 2_000;

/** Logs one line for every read by staff or support: the actor, the filter, and the number of events. */
export const audit: MiddlewareHandler<App> = async (c, next) => {
  await next();
  const actor = c.get("actor");
  if (c.env.AUDIT === "off" || actor === undefined) return;
  if (!actor.isStaff && !actor.isSupport && actor.impersonator === undefined) return;
  const { pathname, searchParams } = new URL(c.req.url);
  console.log(
    JSON.stringify({
      level: "info",
      event: "audit",
      request: c.get("requestId"),
      actor: actor.uuid,
      impersonator: actor.impersonator,
      method: c.req.method,
      path: pathname,
      filter: loggedFilter(searchParams),
      status: c.res.status,
      rows: c.get("rows") ?? 0,
    }),
  );
};

function loggedFilter(params: URLSearchParams): string {
  const pairs = [...params].map(([name, value]) => [
    name,
    LOGGED_PARAMETERS.has(name) ? value : `(${value.length} characters)`,
  ]);
  return String(new URLSearchParams(pairs)).slice(0, MAX_FILTER_LENGTH);
}
