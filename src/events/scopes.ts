import { scopeContextKeys, scopeKeysOf } from "../catalogue/data.ts";
import { parseUuid } from "../values/uuid.ts";

/** The relations of an event to an object; bits of `event_scopes.roles`. */
export const ROLE = {
  /** The object is in the scope of the event: Waldur's parameter `scope` matches it. */
  SCOPE: 1,
  /** It is the context's `customer_uuid`. */
  CUSTOMER: 2,
  /** It is the context's `project_uuid`. */
  PROJECT: 4,
  /** It is the context's `user_uuid`: the actor. */
  USER: 8,
  /** It is the context's `affected_user_uuid`. */
  AFFECTED_USER: 16,
} as const;

const KEY_ROLES: Readonly<Record<string, number>> = {
  customer_uuid: ROLE.CUSTOMER,
  project_uuid: ROLE.PROJECT,
  user_uuid: ROLE.USER,
  affected_user_uuid: ROLE.AFFECTED_USER,
};

/** An object (32 hex) and its roles. */
export type EventScope = [scope: string, roles: number];

/**
 * The objects that an event concerns, from the top-level keys of its context: the keys in the scope of its type, and
 * the four keys that filters use. Filters compare 32 lower-case hex digits, so those four keys count only in this
 * form; the scope also takes UUIDs with dashes and capitals, and the trigger for deleted events finds them so.
 */
export function scopesOf(eventType: string, context: Record<string, unknown>): EventScope[] {
  const roles = new Map<string, number>();
  const add = (key: string, role: number, exact: boolean) => {
    const value = Object.hasOwn(context, key) ? context[key] : undefined;
    const scope = typeof value === "string" && /^[\da-f-]+$/i.test(value) ? parseUuid(value) : undefined;
    if (scope === undefined || (exact && scope !== value)) return;
    roles.set(scope, (roles.get(scope) ?? 0) | role);
  };
  for (const key of scopeKeysOf(eventType)) add(key, ROLE.SCOPE, false);
  for (const [key, role] of Object.entries(KEY_ROLES)) add(key, role, true);
  return [...roles];
}

/** Context keys that name users, who belong to no customer. */
const USER_KEYS: ReadonlySet<string> = new Set([
  ...(scopeContextKeys["core.user"] ?? []),
  "user_uuid",
  "affected_user_uuid",
]);

/** Keys by which an event of any type is found. */
const PLACE_KEYS = ["customer_uuid", "project_uuid"];

/** An object that an event concerns. */
export interface ConcernedObject {
  /** The key in the context. */
  key: string;
  /** 32 hex digits. */
  uuid: string;
  /** Whether the key names a user. */
  isUser: boolean;
}

/** The objects that an event concerns, with UUIDs in any form. */
export function concernedObjects(eventType: string, context: Readonly<Record<string, unknown>>): ConcernedObject[] {
  const keys = new Set([...PLACE_KEYS, ...USER_KEYS, ...scopeKeysOf(eventType)]);
  return [...keys].flatMap((key): ConcernedObject[] => {
    const value = Object.hasOwn(context, key) ? context[key] : undefined;
    const uuid = typeof value === "string" ? parseUuid(value) : undefined;
    return uuid === undefined ? [] : [{ key, uuid, isUser: USER_KEYS.has(key) }];
  });
}
