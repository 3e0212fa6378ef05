import { scopeContextKeys, scopeKeysOf } from "../../catalogue/data.ts";
import { definedOnly } from "../../values/defined.ts";
import { parseUuid } from "../../values/uuid.ts";

/** What one event tells about an object. UUIDs are 32 hex. */
export interface ToldObject {
  uuid: string;
  /** `app_label.modelname`; undefined for a plugin's object of a type we cannot tell. */
  type?: string;
  customer?: string;
  project?: string;
  /** Of a marketplace resource: the object of the plugin that provides it, e.g. a virtual machine. */
  backingResource?: string;
}

type Place = Pick<ToldObject, "customer" | "project">;

type Context = Readonly<Record<string, unknown>>;

const MARKETPLACE_RESOURCE = "marketplace.resource";
const PLUGIN_KEY = "resource_uuid";

/** Types of which `resource_uuid` may be the UUID when an event names a plugin's object. */
const pluginTypes: readonly string[] = Object.entries(scopeContextKeys)
  .filter(([type, keys]) => keys.includes(PLUGIN_KEY) && type !== MARKETPLACE_RESOURCE)
  .map(([type]) => type);

/** `openstack.subnet`, `vmware.port` → the type: how the context's `resource_type` names it, in small letters. */
const typesByResourceType: ReadonlyMap<string, string> = new Map(
  pluginTypes.map((type) => [type.replace(/^waldur_/, ""), type]),
);

/** Context key → the one type whose objects it names. */
const typesByKey: ReadonlyMap<string, string> = new Map(
  Object.entries(scopeContextKeys).flatMap(([type, keys]) =>
    keys.filter((key) => key !== PLUGIN_KEY).map((key): [string, string] => [key, type]),
  ),
);

/** Keys whose object the context's customer and project are those of, whatever else the event names. */
const TIED_KEYS: ReadonlySet<string> = new Set([
  "order_uuid",
  "issue_uuid",
  "attachment_uuid",
  "call_uuid",
  "proposal_uuid",
]);

/** What `scope_type` of role events says → the type of `scope_uuid`. */
const ROLE_SCOPES: Readonly<Record<string, string>> = {
  customer: "structure.customer",
  project: "structure.project",
  offering: "marketplace.offering",
  call: "proposal.call",
  proposal: "proposal.proposal",
  resource: MARKETPLACE_RESOURCE,
};

/** Whether a plugin's object of unknown type may be of this one. */
export const isPluginType = (type: string): boolean => pluginTypes.includes(type);

/**
 * The objects a context names, and where it says they belong. `customer_uuid` and `project_uuid` are those of the
 * event's own object only: an offering or service settings named beside it belong to somebody else, so they are told
 * without a place.
 */
export function objectsOf(eventType: string, context: Context): ToldObject[] {
  const place = placeOf(eventType, context);
  const own = ownKey(eventType, context);
  const told = namedIn(context).map(([key, type]) => {
    const tied = key === own || TIED_KEYS.has(key) ? place : {};
    return { key, type, ...(type === "structure.project" ? definedOnly({ customer: place.customer }) : tied) };
  });
  return [...told, resource(eventType, context, place), roleScope(eventType, context, place)].flatMap(
    ({ key, ...object }) => {
      const uuid = uuidAt(context, key);
      return uuid === undefined ? [] : [{ uuid, ...object }];
    },
  );
}

/** The keys of a context that hold objects of one type, with that type. */
const namedIn = (context: Context) => keysAndTypes.filter(([key]) => Object.hasOwn(context, key));

const keysAndTypes = [...typesByKey];

/**
 * Beside an offering, `customer_uuid` might be the provider's, unless the scope of the type is known to have the customer
 * together with the project.
 */
function placeOf(eventType: string, context: Context): Place {
  const scopeKeys = scopeKeysOf(eventType);
  const isSure = scopeKeys.includes("customer_uuid") && scopeKeys.includes("project_uuid");
  if ("offering_uuid" in context && !isSure) return {};
  return definedOnly({ customer: uuidAt(context, "customer_uuid"), project: uuidAt(context, "project_uuid") });
}

/** The key of the object the event is about: what `resource_type` says, else the first object of its scope. */
function ownKey(eventType: string, context: Context): string | undefined {
  const type = typesByResourceType.get(resourceType(context) ?? "");
  if (type !== undefined) return scopeContextKeys[type]?.find((key) => uuidAt(context, key) !== undefined);
  const [first] = scopeKeysOf(eventType);
  const named = first === undefined ? undefined : typesByKey.get(first);
  return named !== undefined && pluginTypes.includes(named) ? first : undefined;
}

/** `resource_uuid`: a marketplace resource in marketplace events, a plugin's object in the others. */
function resource(eventType: string, context: Context, place: Place) {
  const key = PLUGIN_KEY;
  const named = resourceType(context);
  if (named !== undefined) return { key, ...definedOnly({ type: typesByResourceType.get(named) }), ...place };
  if (eventType.startsWith("marketplace_") || "offering_uuid" in context) {
    return {
      key,
      type: MARKETPLACE_RESOURCE,
      ...place,
      ...definedOnly({ backingResource: uuidAt(context, "resource_backend_uuid") }),
    };
  }
  return eventType.startsWith("resource_") ? { key, ...place } : { key: "" };
}

/** Role events name any object, and the customer it belongs to. */
function roleScope(eventType: string, context: Context, { customer }: Place) {
  const named = typeof context.scope_type === "string" ? context.scope_type : "";
  const type = Object.hasOwn(ROLE_SCOPES, named) ? ROLE_SCOPES[named] : undefined;
  if (!eventType.startsWith("role_") || type === undefined) return { key: "" };
  return { key: "scope_uuid", type, ...(type === "structure.customer" ? {} : definedOnly({ customer })) };
}

const resourceType = (context: Context): string | undefined =>
  typeof context.resource_type === "string" ? context.resource_type.toLowerCase() : undefined;

function uuidAt(context: Context, key: string): string | undefined {
  const value = Object.hasOwn(context, key) ? context[key] : undefined;
  return typeof value === "string" ? parseUuid(value) : undefined;
}
