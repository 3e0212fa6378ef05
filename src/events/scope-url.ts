import type { ScopeObject } from "../auth/permissions.ts";
import { scopeTypeNames, scopeTypeOfSegment } from "../catalogue/data.ts";
import { badRequest } from "../http/errors.ts";
import { parseUuid } from "../values/uuid.ts";

/** The URL of an object, or of one of its actions (`…/customers/<uuid>/users/`). */
const DETAIL = /^\/api\/([a-z0-9-]+)\/([^/.]+)\/(?:[a-z_]+\/)?$/;
const EVENT_DETAIL = /^\/api\/events\/([^/.]+)\/$/;
const INTEGER = /^[+-]?\d+$/;

/** Objects that no Waldur can restore, because their view has no queryset. */
const VIEWS_WITHOUT_OBJECTS: ReadonlySet<string> = new Set(["user-agreements"]);

/** 400 with a list of one text, as Waldur answers for a scope that does not exist or is hidden from the user. */
export const cannotRestore = (url: string) => badRequest([`Can't restore object from url: ${url}`]);

/** The object named by the last `scope` of a query string; undefined without the parameter. Throws 400. */
export function readScope(params: URLSearchParams): (ScopeObject & { url: string }) | undefined {
  const url = params.getAll("scope").at(-1);
  if (url === undefined) return undefined;
  if (url === "") throw badRequest(["The scope is empty; it must be the URL of an object."]);
  if (url.includes("\0")) throw invalidUrl(url);
  const path = withoutHost(url);
  refuseEvents(url, path);
  const [, segment = "", key = ""] = DETAIL.exec(path) ?? [];
  const type = VIEWS_WITHOUT_OBJECTS.has(segment) ? undefined : scopeTypeOfSegment(segment);
  const uuid = parseUuid(key);
  if (type === undefined || uuid === undefined) throw cannotRestore(url);
  return { type, uuid, url };
}

/** Removes everything up to the third slash from a text that begins with `http`, as Waldur does. */
function withoutHost(url: string): string {
  if (!url.startsWith("http")) return url;
  const parts = url.split("/");
  return `/${parts.length > 3 ? parts.slice(3).join("/") : parts.at(-1)}`;
}

const invalidUrl = (url: string) => badRequest([`URL is invalid: ${url}.`]);

/** Throws 400 for the URL of an event: Waldur can restore an event, but an event is not a scope. */
function refuseEvents(url: string, path: string): void {
  const id = EVENT_DETAIL.exec(path)?.[1];
  if (id === undefined) return;
  if (!INTEGER.test(id)) throw invalidUrl(url);
  const valid = scopeTypeNames.join(", ");
  throw badRequest([`<class 'waldur_core.logging.models.Event'> is not valid. Valid models are: ${valid}`]);
}
