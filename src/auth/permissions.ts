import { type Actor, type OtherUser, type Role, seesEverything } from "./actor.ts";

/**
 * The effect of an object as scope in Waldur: its events, an empty list (200), or 400 as for an object that the actor
 * cannot see.
 */
export type Access = "permitted" | "restorable" | "unseen";

/** The object that a request names as its scope. */
export interface ScopeObject {
  /** `app_label.modelname`. */
  type: string;
  /** 32 hex. */
  uuid: string;
}

/** The facts about objects, besides the actor's own roles. */
export interface Facts {
  /** Whether an event has named the object, as one of its type. */
  known: boolean;
  /** Whether events have named it as an object of another type. */
  isOfOtherType: boolean;
  /** The place of the object. */
  customer?: string | undefined;
  project?: string | undefined;
  /** The customer of a project (32 hex digits). */
  customerOf: (project: string) => string | undefined;
}

/** Types without permitted objects in Waldur: they give nobody any events, not even staff. */
export const NEVER_PERMITTED: ReadonlySet<string> = new Set([
  "core.sshpublickey",
  "structure.accesssubnet",
  "structure.useragreement",
  "openstack.securitygrouprule",
  "waldur_paypal.payment",
  "waldur_paypal.invoice",
  "marketplace.categorycomponent",
  "marketplace.offeringcomponent",
  "marketplace.plan",
  "marketplace.plancomponent",
  "marketplace.componentusage",
  "marketplace.componentuserusage",
  "marketplace.offeringuser",
  "marketplace.robotaccount",
]);

/** The access to an object that is not a user. `now` in microseconds. */
export function accessTo(actor: Actor, object: ScopeObject, facts: Facts, now: number): Access {
  const roles = activeRoles(actor.roles, now);
  // An object that no event has named may exist all the same.
  if (seesEverything(actor)) return facts.isOfOtherType ? "unseen" : "permitted";
  const customers = scopesOfType(roles, "customer");
  if (object.type === "structure.customer") return accessToCustomer(roles, customers, object.uuid, facts);
  if (isOn(roles, object)) return "permitted";
  if (!facts.known) return "unseen";
  if (facts.customer !== undefined && customers.has(facts.customer)) return "permitted";
  return facts.project !== undefined && scopesOfType(roles, "project").has(facts.project) ? "permitted" : "unseen";
}

/** A role in the customer itself gives its events; a role in one of its projects gives an empty list. */
function accessToCustomer(roles: readonly Role[], customers: Set<string>, uuid: string, facts: Facts): Access {
  if (customers.has(uuid)) return "permitted";
  return customersOfProjectRoles(roles, facts).has(uuid) ? "restorable" : "unseen";
}

/**
 * The access to a user: the events of oneself and of people in a shared customer or project, which are Waldur's
 * visible users; an empty list for other existing users. `now` in microseconds.
 */
export function accessToUser(
  actor: Actor,
  user: string,
  them: OtherUser,
  customerOf: Facts["customerOf"],
  now: number,
): Access {
  if (user === actor.uuid) return "permitted";
  if (seesEverything(actor)) return "permitted";
  const shares =
    "visible" in them ? them.visible : share(activeRoles(actor.roles, now), activeRoles(them.roles, now), customerOf);
  if (shares) return "permitted";
  return them.known ? "restorable" : "unseen";
}

/** Whether two people share a customer or a project. Roles in a project of mine count for its customer. */
function share(mine: readonly Role[], theirs: readonly Role[], customerOf: Facts["customerOf"]): boolean {
  const customers = scopesOfType(mine, "customer");
  const projects = scopesOfType(mine, "project");
  const visibleCustomers = new Set([...customers, ...customersOfProjectRoles(mine, { customerOf })]);
  return theirs.some((role) => {
    if (role.scopeType === "customer") return visibleCustomers.has(role.scope);
    if (role.scopeType !== "project") return false;
    const customer = customerOf(role.scope) ?? role.customer;
    return projects.has(role.scope) || (customer !== undefined && customers.has(customer));
  });
}

/** The roles that have not expired at `now` (microseconds). */
export const activeRoles = (roles: readonly Role[], now: number): Role[] =>
  roles.filter(({ expires }) => expires === undefined || expires > now);

/** Whether there is a role on the object itself. Roles have the model name without the application. */
const isOn = (roles: readonly Role[], { type, uuid }: ScopeObject): boolean =>
  roles.some((role) => role.scope === uuid && type.endsWith(`.${role.scopeType}`));

const scopesOfType = (roles: readonly Role[], type: string): Set<string> =>
  new Set(roles.filter((role) => role.scopeType === type).map((role) => role.scope));

function customersOfProjectRoles(roles: readonly Role[], { customerOf }: Pick<Facts, "customerOf">): Set<string> {
  const projects = roles.filter((role) => role.scopeType === "project");
  return new Set(projects.flatMap((role) => customerOf(role.scope) ?? role.customer ?? []));
}
