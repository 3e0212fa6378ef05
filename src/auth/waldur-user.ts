import * as v from "valibot";
import { parseUuid } from "../values/uuid.ts";
import type { Actor, Role } from "./actor.ts";

const uuid = v.pipe(
  v.string(),
  v.check((text) => parseUuid(text) !== undefined),
  v.transform((text) => parseUuid(text) ?? ""),
);

const permission = v.object({
  scope_type: v.nullish(v.string()),
  scope_uuid: v.nullish(uuid),
  customer_uuid: v.nullish(uuid),
  expiration_time: v.nullish(v.pipe(v.string(), v.isoTimestamp())),
  is_active: v.nullish(v.boolean()),
});

/**
 * The fields that are read from `GET /api/users/me/` (names of the models User and Permission in Waldur's clients).
 * Waldur omits some fields for some users: an absent flag is false, and an absent `is_active` is true.
 */
export const waldurUser = v.object({
  uuid,
  is_staff: v.optional(v.boolean(), false),
  is_support: v.optional(v.boolean(), false),
  is_active: v.optional(v.boolean(), true),
  permissions: v.optional(v.array(permission), []),
});

/** The actor for an answer of Waldur. Inactive roles are left out. */
export function toActor({ uuid, is_staff, is_support, permissions }: v.InferOutput<typeof waldurUser>): Actor {
  return { uuid, isStaff: is_staff, isSupport: is_support, roles: permissions.flatMap(toRole) };
}

function toRole({
  scope_type,
  scope_uuid,
  customer_uuid,
  expiration_time,
  is_active,
}: v.InferOutput<typeof permission>) {
  if (!scope_type || !scope_uuid || is_active === false) return [];
  const role: Role = { scopeType: scope_type, scope: scope_uuid };
  if (customer_uuid) role.customer = customer_uuid;
  if (expiration_time) role.expires = Date.parse(expiration_time) * 1000;
  return [role];
}
