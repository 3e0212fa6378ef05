import { type Actor, type OtherUser, type Role, seesEverything } from "./actor.ts";

/**
 * What Waldur would do with an object named as scope: show its events, restore it and show none (200 and an empty
 * list), or not find it among what the actor can see (400).
 */
export type Access = "permitted" | "restorable" | "unseen";

export interface Wanted {
  /** `app_label.modelname`. */
  type: string;
  /** 32 hex. */
  uuid: string;
}

/** What is known of objects besides the actor's own roles. */
export interface Facts {
  /** Whether we ever heard of the wanted object, as one of its type. */
  known: boolean;
  /** Where the wanted object belongs. */
  customer?: string | undefined;
  project?: string | undefined;
  /** Of a project (32 hex). */
  customerOf: (project: string) => string | undefined;
}

/** Types whose models define no permitted objects in Waldur: they never give anybody anything, staff included. */
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

/** What an actor may do with an object that is not a user. `now` in microseconds. */
export function accessTo(actor: Actor, wanted: Wanted, facts: Facts, now: number): Access {
  const roles = activeRoles(actor.roles, now);
  if (seesEverything(actor)) return facts.known || isOn(roles, wanted) ? "permitted" : "unseen";
  const customers = scopesOfType(roles, "customer");
  if (wanted.type === "structure.customer") return accessToCustomer(roles, customers, wanted.uuid, facts);
  if (isOn(roles, wanted)) return "permitted";
  if (!facts.known) return "unseen";
  if (facts.customer !== undefined && customers.has(facts.customer)) return "permitted";
  return facts.project !== undefined && scopesOfType(roles, "project").has(facts.project) ? "permitted" : "unseen";
}

/** A customer's events are for those with a role in the customer itself; those of its projects may only restore it. */
function accessToCustomer(roles: readonly Role[], customers: Set<string>, uuid: string, facts: Facts): Access {
  if (customers.has(uuid)) return "permitted";
  return customersOfProjectRoles(roles, facts).has(uuid) ? "restorable" : "unseen";
}

/**
 * What an actor may do with another user: see the events of oneself and of people who share a customer or a project
 * (as Waldur's visible users), restore everybody else there is.
 */
export function accessToUser(
  actor: Actor,
  user: string,
  them: OtherUser,
  customerOf: Facts["customerOf"],
  now: number,
): Access {
  if (user === actor.uuid) return "permitted";
  if (seesEverything(actor)) return them.known ? "permitted" : "unseen";
  const shares =
    "visible" in them ? them.visible : share(activeRoles(actor.roles, now), activeRoles(them.roles, now), customerOf);
  if (shares) return "permitted";
  return them.known ? "restorable" : "unseen";
}

/** A person of a customer I have a role in or below, or of a project I have a role in or above. */
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

/** Roles that are one at `now`. */
export const activeRoles = (roles: readonly Role[], now: number): Role[] =>
  roles.filter(({ expires }) => expires === undefined || expires > now);

/** Roles name a type by its model alone. */
const isOn = (roles: readonly Role[], { type, uuid }: Wanted): boolean =>
  roles.some((role) => role.scope === uuid && type.endsWith(`.${role.scopeType}`));

const scopesOfType = (roles: readonly Role[], type: string): Set<string> =>
  new Set(roles.filter((role) => role.scopeType === type).map((role) => role.scope));

function customersOfProjectRoles(roles: readonly Role[], { customerOf }: Pick<Facts, "customerOf">): Set<string> {
  const projects = roles.filter((role) => role.scopeType === "project");
  return new Set(projects.flatMap((role) => customerOf(role.scope) ?? role.customer ?? []));
}
