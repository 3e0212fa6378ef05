import type { Context, Handler, Hono, MiddlewareHandler } from "hono";
import type { App } from "../env.ts";
import { methodNotAllowed, permissionDenied } from "./errors.ts";
import { jsonText } from "./json.ts";
import { negotiate } from "./negotiate.ts";

/** The methods of every read-only resource, for the header Allow. */
export const ALLOW = "GET, HEAD, OPTIONS";

interface Resource {
  /** With its trailing slash, e.g. `/api/events/`. */
  path: string;
  /** What OPTIONS calls it. */
  name: string;
  authenticate: MiddlewareHandler<App>;
  get: Handler<App>;
  /** Wrong methods are 405 for everybody; else those who are not staff get 403. */
  anybodyMayTry?: boolean;
  /** Media types that it has besides JSON. */
  types?: readonly string[];
}

/**
 * Mounts one read-only resource as Django REST framework would serve it: GET (and HEAD, which Hono derives),
 * OPTIONS with a description, 301 to the path with a slash for every method, and 401, then 403 for all but staff,
 * then 405 for methods that do not exist.
 */
export function mountResource(
  app: Hono<App>,
  { path, name, authenticate, get, anybodyMayTry = false, types = [] }: Resource,
): void {
  app.all(path.slice(0, -1), redirectToSlash);
  app.use(path, commonHeaders, negotiate(types), authenticate);
  app.get(path, get);
  app.options(path, (c) => jsonText(c, JSON.stringify(description(name, types))));
  app.all(path, (c) => refuse(c, anybodyMayTry || c.get("actor").isStaff));
}

const redirectToSlash: Handler<App> = (c) => {
  const { pathname, search } = new URL(c.req.url);
  return new Response(null, { status: 301, headers: { Location: `${pathname}/${search}` } });
};

const commonHeaders: MiddlewareHandler<App> = async (c, next) => {
  c.header("Allow", ALLOW);
  c.header("Vary", "Accept, Authorization, X-Impersonated-User-Uuid");
  c.header("Content-Language", "en");
  c.header("X-Content-Type-Options", "nosniff");
  await next();
};

function description(name: string, types: readonly string[]) {
  return { name, description: "", renders: ["application/json", ...types], parses: ["application/json"] };
}

function refuse(c: Context<App>, mayTry: boolean): never {
  if (!mayTry) throw permissionDenied();
  throw methodNotAllowed(c.req.method);
}
