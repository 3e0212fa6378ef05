import { type Actor, seesEverything, type UserLookup } from "../auth/actor.ts";
import {
  type Access,
  accessTo,
  accessToUser,
  type Facts,
  NEVER_PERMITTED,
  type ScopeObject,
} from "../auth/permissions.ts";
import type { Reader } from "../db/reader.ts";
import type { EventFilter } from "./filter.ts";
import type { ObjectFacts } from "./objects/extract.ts";
import { findObjects, isOfType } from "./objects/find.ts";
import { cannotRestore, readScope } from "./scope-url.ts";
import { ROLE } from "./scopes.ts";

/**
 * The events that an actor may see, before any filter: all, none, or those that concern one of the `scopes` (32 hex
 * digits) in one of the `roles` (bits of scopes.ts). Every response and every total is computed within it.
 */
export type Visibility = "everything" | "nothing" | { scopes: readonly string[]; roles: number };

/** The actor, and the means to look up more. `now` in milliseconds. */
export interface Asker {
  actor: Actor;
  lookUpUser: UserLookup;
  reader: Reader;
  now: number;
}

/** The roles in which an event is related to a user. */
export const RELATED_ROLES = ROLE.SCOPE | ROLE.USER | ROLE.AFFECTED_USER;

/**
 * The visibility for an actor, by the parameters `scope` and `related_user_uuid`. Called after the filter is checked
 * and before the page is, because Waldur answers 400 for a bad scope between the two.
 */
export async function visibilityOf(
  asker: Asker,
  params: URLSearchParams,
  { relatedUser }: Pick<EventFilter, "relatedUser">,
): Promise<Visibility> {
  const scope = readScope(params);
  const inScope = scope && (await visibleInScope(asker, scope));
  if (seesEverything(asker.actor)) return inScope ?? "everything";
  // Others may ask for the events related to themselves only.
  if (relatedUser !== undefined && relatedUser !== asker.actor.uuid) return "nothing";
  if (inScope !== undefined) return inScope;
  return relatedUser === undefined ? "nothing" : { scopes: [relatedUser], roles: RELATED_ROLES };
}

async function visibleInScope(asker: Asker, scope: ScopeObject & { url: string }): Promise<Visibility> {
  if (NEVER_PERMITTED.has(scope.type)) return "nothing";
  const { access, backingResource } = await (scope.type === "core.user" ? accessToUserScope : accessToObjectScope)(
    asker,
    scope,
  );
  if (access === "unseen") throw cannotRestore(scope.url);
  if (access === "restorable") return "nothing";
  return { scopes: backingResource === undefined ? [scope.uuid] : [scope.uuid, backingResource], roles: ROLE.SCOPE };
}

interface Decision {
  access: Access;
  backingResource?: string | undefined;
}

/** The facts about an object before any look-up. */
const NOTHING_KNOWN: Facts = { known: false, isOfOtherType: false, customerOf: () => undefined };

async function accessToObjectScope({ actor, reader, now }: Asker, scope: ScopeObject): Promise<Decision> {
  const byRole = accessTo(actor, scope, NOTHING_KNOWN, microseconds(now));
  // The actor's own roles need no look-up. Staff do: the object may be of another type. So does a marketplace resource:
  // it may have a backing resource.
  const isDecided = byRole !== "unseen" && !seesEverything(actor);
  if (isDecided && scope.type !== "marketplace.resource") return { access: byRole };
  const isCustomer = scope.type === "structure.customer" && !seesEverything(actor);
  const objects = await findObjects(reader, [scope.uuid, ...(isCustomer ? projectsOf(actor) : [])], now);
  const found = objects.get(scope.uuid);
  const object = found && isOfType(found, scope.type) ? found : undefined;
  const facts = {
    known: object !== undefined,
    isOfOtherType: found !== undefined && object === undefined,
    customer: object?.customer,
    project: object?.project,
    customerOf: customers(objects),
  };
  return { access: accessTo(actor, scope, facts, microseconds(now)), backingResource: object?.backingResource };
}

async function accessToUserScope({ actor, lookUpUser, reader, now }: Asker, { uuid }: ScopeObject): Promise<Decision> {
  if (uuid === actor.uuid) return { access: "permitted" };
  const them = await lookUpUser(uuid);
  const projects = "roles" in them ? [...projectsOf(actor), ...projectsOf(them)] : [];
  const objects = await findObjects(reader, seesEverything(actor) ? [uuid] : projects, now);
  // Others must not learn whether a hidden event has named the user.
  const known = them.known || (seesEverything(actor) && objects.get(uuid)?.type === "core.user");
  return { access: accessToUser(actor, uuid, { ...them, known }, customers(objects), microseconds(now)) };
}

const projectsOf = ({ roles }: Pick<Actor, "roles">): string[] =>
  roles.filter((role) => role.scopeType === "project").map((role) => role.scope);

const customers = (objects: ReadonlyMap<string, ObjectFacts>) => (project: string) => objects.get(project)?.customer;

const microseconds = (milliseconds: number): number => milliseconds * 1000;
