import type { MiddlewareHandler } from "hono";
import type { App } from "../env.ts";
import { notAcceptable, notFound } from "./errors.ts";

const JSON_TYPE = "application/json";

/**
 * Only JSON is served. `?format=` other than json is 404, as in Waldur; an Accept header without JSON is 406. Both
 * come before authentication, as in Django REST framework.
 */
export const negotiate: MiddlewareHandler<App> = async (c, next) => {
  const format = c.req.queries("format")?.at(-1);
  if (format) {
    if (format !== "json") throw notFound();
  } else if (!acceptsJson(c.req.header("Accept"))) throw notAcceptable();
  await next();
};

function acceptsJson(accept: string | undefined): boolean {
  if (!accept?.trim()) return true;
  return accept.split(",").some((entry) => {
    const [range = "", ...parameters] = entry.split(";").map((part) => part.trim().toLowerCase());
    const refused = parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
    return !refused && (range === "*/*" || range === "application/*" || range === JSON_TYPE);
  });
}
