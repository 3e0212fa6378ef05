import { type Actor, seesEverything, type UserLookup } from "../auth/actor.ts";
import { type Access, accessTo, accessToUser, type Facts, NEVER_PERMITTED, type Wanted } from "../auth/permissions.ts";
import type { Reader } from "../db/reader.ts";
import type { EventFilter } from "./filter.ts";
import { findObjects, isOfType, type KnownObject } from "./objects/find.ts";
import { cannotRestore, readScope } from "./scope-url.ts";
import { ROLE } from "./scopes.ts";

/**
 * Which events a request may see, whatever its filter asks for: all, none, or those that concern any of the `scopes`
 * (32 hex) in any of the `roles` (bits of scopes.ts). Every answer and every total is made of events inside it.
 */
export type Visibility = "everything" | "nothing" | { scopes: readonly string[]; roles: number };

/** Whose request it is and how more is found out. `now` in milliseconds. */
export interface Asking {
  actor: Actor;
  lookUpUser: UserLookup;
  reader: Reader;
  now: number;
}

/** In these roles a user is related to an event. */
export const RELATED_ROLES = ROLE.SCOPE | ROLE.USER | ROLE.AFFECTED_USER;

/**
 * What the contract's "Who sees what" lets this actor see, from the parameters `scope` and `related_user_uuid`. Call
 * after the filter was checked and before the page is: 400 for a scope that is not there comes between the two.
 */
export async function visibilityOf(
  asking: Asking,
  params: URLSearchParams,
  { relatedUser }: Pick<EventFilter, "relatedUser">,
): Promise<Visibility> {
  const scope = readScope(params);
  const inScope = scope && (await visibleInScope(asking, scope));
  if (seesEverything(asking.actor)) return inScope ?? "everything";
  // Others may ask for the events related to themselves only.
  if (relatedUser !== undefined && relatedUser !== asking.actor.uuid) return "nothing";
  if (inScope !== undefined) return inScope;
  return relatedUser === undefined ? "nothing" : { scopes: [relatedUser], roles: RELATED_ROLES };
}

async function visibleInScope(asking: Asking, scope: Wanted & { url: string }): Promise<Visibility> {
  if (NEVER_PERMITTED.has(scope.type)) return "nothing";
  const { access, backingResource } = await (scope.type === "core.user" ? askForUser : askForObject)(asking, scope);
  if (access === "unseen") throw cannotRestore(scope.url);
  if (access === "restorable") return "nothing";
  return { scopes: backingResource === undefined ? [scope.uuid] : [scope.uuid, backingResource], roles: ROLE.SCOPE };
}

interface Answer {
  access: Access;
  backingResource?: string | undefined;
}

/** Facts of an object before the database was asked. */
const NOTHING_KNOWN: Facts = { known: false, customerOf: () => undefined };

async function askForObject({ actor, reader, now }: Asking, wanted: Wanted): Promise<Answer> {
  const byRole = accessTo(actor, wanted, NOTHING_KNOWN, microseconds(now));
  // The actor's own roles need no look-up. A marketplace resource does: it may have a backing resource.
  if (byRole !== "unseen" && wanted.type !== "marketplace.resource") return { access: byRole };
  const isCustomer = wanted.type === "structure.customer" && !seesEverything(actor);
  const objects = await findObjects(reader, [wanted.uuid, ...(isCustomer ? projectsOf(actor) : [])], now);
  const found = objects.get(wanted.uuid);
  const object = found && isOfType(found, wanted.type) ? found : undefined;
  const facts = {
    known: object !== undefined,
    customer: object?.customer,
    project: object?.project,
    customerOf: customers(objects),
  };
  return { access: accessTo(actor, wanted, facts, microseconds(now)), backingResource: object?.backingResource };
}

async function askForUser({ actor, lookUpUser, reader, now }: Asking, { uuid }: Wanted): Promise<Answer> {
  if (uuid === actor.uuid) return { access: "permitted" };
  const them = await lookUpUser(uuid);
  const projects = "roles" in them ? [...projectsOf(actor), ...projectsOf(them)] : [];
  const objects = await findObjects(reader, [uuid, ...(seesEverything(actor) ? [] : projects)], now);
  const known = them.known || objects.get(uuid)?.type === "core.user";
  return { access: accessToUser(actor, uuid, { ...them, known }, customers(objects), microseconds(now)) };
}

const projectsOf = ({ roles }: Pick<Actor, "roles">): string[] =>
  roles.filter((role) => role.scopeType === "project").map((role) => role.scope);

const customers = (objects: ReadonlyMap<string, KnownObject>) => (project: string) => objects.get(project)?.customer;

const microseconds = (milliseconds: number): number => milliseconds * 1000;
