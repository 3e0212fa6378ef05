import { scopeContextKeys, scopeKeysOf } from "../../catalogue/data.ts";
import { definedOnly } from "../../values/defined.ts";
import { parseUuid } from "../../values/uuid.ts";

/** The facts about an object in one event. UUIDs are 32 hex digits. */
export interface ObjectFacts {
  uuid: string;
  /** `app_label.modelname`; undefined for an object of a plugin whose type is not known. */
  type?: string;
  customer?: string;
  project?: string;
  /** Of a marketplace resource: the object of the plugin that provides it, e.g. a virtual machine. */
  backingResource?: string;
}

type Place = Pick<ObjectFacts, "customer" | "project">;

type Context = Readonly<Record<string, unknown>>;

const MARKETPLACE_RESOURCE = "marketplace.resource";
const PLUGIN_KEY = "resource_uuid";

/** Types that an object named by `resource_uuid` may have, if it is not a marketplace resource. */
const pluginTypes: readonly string[] = Object.entries(scopeContextKeys)
  .filter(([type, keys]) => keys.includes(PLUGIN_KEY) && type !== MARKETPLACE_RESOURCE)
  .map(([type]) => type);

/** The value of `resource_type` in a context, in lower case (`openstack.subnet`, `vmware.port`) → the type. */
const typesByResourceType: ReadonlyMap<string, string> = new Map(
  pluginTypes.map((type) => [type.replace(/^waldur_/, ""), type]),
);

/** Context key → the type of the object that it names. */
const typesByKey: ReadonlyMap<string, string> = new Map(
  Object.entries(scopeContextKeys).flatMap(([type, keys]) =>
    keys.filter((key) => key !== PLUGIN_KEY).map((key): [string, string] => [key, type]),
  ),
);

/** Keys of objects that always belong to the customer and project of the context. */
const TIED_KEYS: ReadonlySet<string> = new Set([
  "order_uuid",
  "issue_uuid",
  "attachment_uuid",
  "call_uuid",
  "proposal_uuid",
]);

/** The value of `scope_type` in role events → the type of `scope_uuid`. */
const ROLE_SCOPES: Readonly<Record<string, string>> = {
  customer: "structure.customer",
  project: "structure.project",
  offering: "marketplace.offering",
  call: "proposal.call",
  proposal: "proposal.proposal",
  resource: MARKETPLACE_RESOURCE,
};

/** Whether an object of a plugin, of unknown type, may be of this type. */
export const isPluginType = (type: string): boolean => pluginTypes.includes(type);

/**
 * The objects that a context names, with the places it gives them. `customer_uuid` and `project_uuid` belong to the
 * object that the event is about. An offering or service settings may belong to others, so they get no place.
 */
export function objectsOf(eventType: string, context: Context): ObjectFacts[] {
  const place = placeOf(eventType, context);
  const own = ownKey(eventType, context);
  const named = namedIn(context).map(([key, type]) => {
    const tied = key === own || TIED_KEYS.has(key) ? place : {};
    return { key, type, ...(type === "structure.project" ? definedOnly({ customer: place.customer }) : tied) };
  });
  return [...named, resource(eventType, context, place), roleScope(eventType, context, place)].flatMap(
    ({ key, ...object }) => {
      const uuid = uuidAt(context, key);
      return uuid === undefined ? [] : [{ uuid, ...object }];
    },
  );
}

/** The keys of a context that name objects of one type, with that type. */
const namedIn = (context: Context) => keysAndTypes.filter(([key]) => Object.hasOwn(context, key));

const keysAndTypes = [...typesByKey];

/**
 * The customer and project of the context. Next to an offering, `customer_uuid` might be its provider, unless the
 * scope of the event type is known to have both the customer and the project.
 */
function placeOf(eventType: string, context: Context): Place {
  const scopeKeys = scopeKeysOf(eventType);
  const isSure = scopeKeys.includes("customer_uuid") && scopeKeys.includes("project_uuid");
  if ("offering_uuid" in context && !isSure) return {};
  return definedOnly({ customer: uuidAt(context, "customer_uuid"), project: uuidAt(context, "project_uuid") });
}

/** The key of the object that the event is about: by `resource_type`, else the first object of its scope. */
function ownKey(eventType: string, context: Context): string | undefined {
  const type = typesByResourceType.get(resourceType(context) ?? "");
  if (type !== undefined) return scopeContextKeys[type]?.find((key) => uuidAt(context, key) !== undefined);
  const [first] = scopeKeysOf(eventType);
  const named = first === undefined ? undefined : typesByKey.get(first);
  return named !== undefined && pluginTypes.includes(named) ? first : undefined;
}

/** The object of `resource_uuid`: a marketplace resource in marketplace events, else an object of a plugin. */
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

/** The object of a role event, with its customer. */
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
