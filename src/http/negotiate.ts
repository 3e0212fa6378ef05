import type { MiddlewareHandler } from "hono";
import type { App } from "../env.ts";
import { notAcceptable, notFound } from "./errors.ts";

const JSON_RANGES: ReadonlySet<string> = new Set(["*/*", "application/*", "application/json"]);

/**
 * JSON is served, and other `types` of a resource. `?format=` other than json is 404, as in Waldur; an Accept header without
 * any of them is 406. Both come before authentication, as in Django REST framework.
 */
export const negotiate =
  (types: readonly string[] = []): MiddlewareHandler<App> =>
  async (c, next) => {
    const format = c.req.queries("format")?.at(-1);
    const ranges = rangesOf(c.req.header("Accept"));
    if (format) {
      if (format !== "json") throw notFound();
    } else if (!ranges.some((range) => JSON_RANGES.has(range) || types.includes(range))) throw notAcceptable();
    await next();
  };

/** The first type of a header Accept, when that is one of `types`; undefined for JSON. */
export function acceptedType<Type extends string>(
  accept: string | undefined,
  types: readonly Type[],
): Type | undefined {
  const first = rangesOf(accept).find((range) => JSON_RANGES.has(range) || types.some((type) => type === range));
  return types.find((type) => type === first);
}

/** The media ranges of a header Accept that it does not refuse. */
function rangesOf(accept: string | undefined): string[] {
  if (!accept?.trim()) return ["*/*"];
  return accept.split(",").flatMap((entry) => {
    const [range = "", ...parameters] = entry.split(";").map((part) => part.trim().toLowerCase());
    return parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter)) ? [] : [range];
  });
}
