import { env } from "cloudflare:workers";
import { clearCaches } from "../../src/http/cache.ts";
import { aPerson, type GivenRole } from "../support/people.ts";
import type { Random } from "../support/random.ts";
import { anEvent, hex, recorded } from "../support/world.ts";

const CUSTOMERS = 3;
const PROJECTS = 5;
const RESOURCES = 4;
const USERS = 7;
const EVENTS = 40;
const FORGERIES = 40;
const ROLE_ENDS = { never: undefined, past: 1, future: 4_000_000_000_000_000 };

export interface Project {
  uuid: string;
  customer: string;
}

/** A marketplace resource and the plugin's object behind it. */
export interface Resource {
  uuid: string;
  vm: string;
  project: Project;
}

export interface Person {
  uuid: string;
  token: string;
  seesAll: boolean;
  /** As granted, expired ones too. */
  roles: { on: string; expired: boolean }[];
}

/** An event and what it was made from. */
export interface Happening {
  uuid: string;
  type: string;
  message: string;
  second: number;
  /** The objects in its feed. */
  feed: string[];
  context: Record<string, string>;
  /** Whether it is from a producer that may not tell places: the model believes nothing that it says of them. */
  isForged?: boolean;
}

export interface World {
  customers: string[];
  projects: Project[];
  resources: Resource[];
  people: Person[];
  happenings: Happening[];
  /** Of happenings, by uuid. */
  ids: Map<string, number>;
}

/** A new world, in the database and as a value. */
export async function makeWorld(random: Random): Promise<World> {
  clearCaches();
  const tables = ["event_scopes", "events", "objects", "roles", "tokens", "users"];
  await env.DB.batch(tables.map((table) => env.DB.prepare(`DELETE FROM ${table}`)));
  const customers = Array.from({ length: CUSTOMERS }, () => random.hex());
  const projects = Array.from({ length: PROJECTS }, () => ({ uuid: random.hex(), customer: random.pick(customers) }));
  const resources = Array.from({ length: RESOURCES }, () => ({
    uuid: random.hex(),
    vm: random.hex(),
    project: random.pick(projects),
  }));
  const people: Person[] = [];
  for (let index = 0; index < USERS; index++) people.push(await makePerson(random, index, customers, projects));
  const things = { customers, projects, resources, people };
  const happenings = [
    ...firstHappenings(things),
    ...Array.from({ length: EVENTS }, () => anyHappening(random, things)),
    ...Array.from({ length: FORGERIES }, () => anyForgery(random, things)),
  ];
  // In any order, so that a forgery may be the first to name an object.
  for (const batch of [happenings.filter(() => random.oneIn(2)), happenings]) {
    await recorded(
      ...random
        .shuffled(batch)
        .map(({ uuid, type, message, second, context, isForged }) =>
          anEvent({ uuid, eventType: type, message, created: second * 1_000_000, context, tellsPlaces: !isForged }),
        ),
    );
  }
  const { results } = await env.DB.prepare("SELECT id, uuid FROM events").all<{ id: number; uuid: string }>();
  return { ...things, happenings, ids: new Map(results.map(({ id, uuid }) => [uuid, id])) };
}

async function makePerson(random: Random, index: number, customers: string[], projects: Project[]): Promise<Person> {
  const roles = Array.from({ length: index < 2 ? 0 : random.int(4) }, () => {
    const project = random.oneIn(2) ? random.pick(projects) : undefined;
    const end = random.pick(["never", "past", "future"] as const);
    const role: GivenRole = { type: project ? "project" : "customer", scope: project?.uuid ?? random.pick(customers) };
    if (project && random.oneIn(4)) role.customer = project.customer;
    const expires = ROLE_ENDS[end];
    return { ...role, ...(expires === undefined ? {} : { expires }) };
  });
  const once = [...new Map(roles.map((role) => [role.scope, role])).values()];
  const { uuid, token } = await aPerson({ uuid: random.hex(), staff: index === 0, support: index === 1, roles: once });
  const held = once.map((role) => ({ on: role.scope, expired: role.expires === ROLE_ENDS.past }));
  return { uuid, token, seesAll: index < 2, roles: held };
}

type Things = Omit<World, "happenings" | "ids">;

/** So that every object has been heard of. */
function firstHappenings({ customers, projects, resources }: Things): Happening[] {
  return [
    ...customers.map((customer) => happening("customer_creation_succeeded", [customer], { customer_uuid: customer })),
    ...projects.map((project) =>
      happening("project_creation_succeeded", [project.uuid, project.customer], at(project)),
    ),
    ...resources.flatMap((resource) => [ofResource(resource), ofVm(resource)]),
  ];
}

function anyHappening(random: Random, { customers, projects, resources, people }: Things): Happening {
  const customer = random.pick(customers);
  const project = random.pick(projects);
  const { uuid: user } = random.pick(people);
  const actor = random.oneIn(2) ? { user_uuid: random.pick(people).uuid } : {};
  const kinds = [
    () => happening("customer_update_succeeded", [customer], { customer_uuid: customer, ...actor }),
    () => happening("project_update_succeeded", [project.uuid, project.customer], { ...at(project), ...actor }),
    () => ofResource(random.pick(resources), actor),
    () => ofVm(random.pick(resources), actor),
    () => happening("auth_logged_out", [user], { user_uuid: user }),
    () => happening("user_update_succeeded", [user], { affected_user_uuid: user, ...actor }),
    // A type whose feed nobody knows: only staff, and its users through related_user_uuid, see such events.
    () => happening("custom_notification", [], { customer_uuid: customer, ...actor }),
  ];
  return random.pick(kinds)();
}

/**
 * An event of a hostile producer: it gives objects to other customers and projects, makes foreign objects back a resource,
 * and names things as what they are not, some of it in the far future. It can put itself into feeds, and nothing else.
 */
function anyForgery(random: Random, { customers, projects, resources, people }: Things): Happening {
  const customer = random.pick(customers);
  const project = random.pick(projects).uuid;
  const resource = random.pick(resources);
  const foreign = random.pick([...customers, ...projects, ...resources.map(({ vm }) => ({ uuid: vm })), ...people]);
  const target = typeof foreign === "string" ? foreign : foreign.uuid;
  const place = { project_uuid: project, customer_uuid: customer };
  const forged = random.pick([
    () => happening("project_update_succeeded", [project, customer], place),
    () =>
      happening("marketplace_resource_update_succeeded", [resource.uuid, project, customer], {
        ...place,
        resource_uuid: resource.uuid,
        resource_backend_uuid: target,
      }),
    () =>
      happening("resource_stop_succeeded", [target, project, customer], {
        ...place,
        resource_uuid: target,
        resource_type: random.pick(["OpenStack.Instance", "VMware.VirtualMachine"]),
      }),
    () => happening("user_update_succeeded", [target], { affected_user_uuid: target }),
    () =>
      happening("marketplace_invented", [], { ...place, resource_uuid: resource.uuid, resource_backend_uuid: target }),
  ])();
  return { ...forged, isForged: true, second: random.oneIn(2) ? forged.second : 8_900_000_000 + made };
}

const at = (project: Project) => ({ project_uuid: project.uuid, customer_uuid: project.customer });

const ofResource = ({ uuid, vm, project }: Resource, actor = {}) =>
  happening("marketplace_resource_update_succeeded", [uuid, project.uuid, project.customer], {
    ...at(project),
    resource_uuid: uuid,
    resource_backend_uuid: vm,
    ...actor,
  });

const ofVm = ({ vm, project }: Resource, actor = {}) =>
  happening("resource_stop_succeeded", [vm, project.uuid, project.customer], {
    ...at(project),
    resource_uuid: vm,
    resource_type: "OpenStack.Instance",
    ...actor,
  });

let made = 0;

function happening(type: string, feed: string[], context: Record<string, string>): Happening {
  made += 1;
  return {
    uuid: hex(`event ${made}`),
    type,
    message: `What ${["rain", "snow", "wind"][made % 3]} did`,
    second: 1_760_000_000 + made,
    feed,
    context,
  };
}
