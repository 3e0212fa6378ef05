import type { Happening, Person, World } from "./world.ts";

/** What a request asks for; the model knows objects by their UUIDs. */
export interface Question {
  who: Person;
  /** The object of the scope: one of the world's, one nobody knows, or one of a type that gives nobody anything. */
  scope?: { kind: "customer" | "project" | "resource" | "vm" | "user" | "key" | "unknown"; uuid: string };
  related?: string;
  filter: (happening: Happening) => boolean;
}

/** The events a question may reach, newest first, or undefined where the scope is refused (400). */
export function expected(world: World, { who, scope, related, filter }: Question): Happening[] | undefined {
  const has = (object: string) => who.roles.some((role) => role.on === object && !role.expired);
  const owns = (project: string) => world.projects.some(({ uuid, customer }) => uuid === project && has(customer));
  const objects = new Set<string>();
  let empty = false;
  if (scope) {
    const resource = world.resources.find(({ uuid, vm }) => uuid === scope.uuid || vm === scope.uuid);
    const project = scope.kind === "project" ? scope.uuid : resource?.project.uuid;
    const member = world.projects.some(({ uuid, customer }) => customer === scope.uuid && has(uuid));
    if (scope.kind === "key") empty = true;
    else if (scope.kind === "unknown") {
      if (!who.seesAll || isNamed(world, scope.uuid)) return undefined;
      empty = true;
    } else if (who.seesAll || has(scope.uuid) || (project && (has(project) || owns(project)))) objects.add(scope.uuid);
    else if (scope.kind === "user") {
      if (who.uuid === scope.uuid || share(world, who, scope.uuid)) objects.add(scope.uuid);
      else empty = true;
    } else if (scope.kind === "customer" && member) empty = true;
    else return undefined;
    if (scope.kind === "resource" && resource) objects.add(resource.vm);
  }
  const blind = !who.seesAll && (related ? related !== who.uuid : !scope);
  const seen = world.happenings.filter(({ feed, context }) => {
    const isRelated = [...feed, context.user_uuid, context.affected_user_uuid].includes(related);
    return !empty && !blind && (!scope || feed.some((object) => objects.has(object))) && (!related || isRelated);
  });
  return seen.filter(filter).sort((a, b) => b.second - a.second);
}

/** Whether an event names the object, so that it is known to be of another kind. */
const isNamed = ({ happenings }: World, object: string): boolean =>
  happenings.some(({ context, isForged }) => !isForged && Object.values(context).includes(object));

/** Whether two people meet in a customer, or in a project of one of them. */
function share({ people, projects, customers }: World, me: Person, them: string): boolean {
  const has = (who: Person | undefined, object: string) =>
    who?.roles.some((role) => role.on === object && !role.expired);
  const they = people.find(({ uuid }) => uuid === them);
  const inside = (customer: string) =>
    projects.filter((project) => project.customer === customer).map(({ uuid }) => uuid);
  const together = projects.some(({ uuid }) => has(me, uuid) && has(they, uuid));
  return (
    together ||
    customers.some((customer) => {
      const [mine, theirs] = [me, they].map((who) => [
        has(who, customer),
        inside(customer).some((uuid) => has(who, uuid)),
      ]);
      return (mine?.[0] && (theirs?.[0] || theirs?.[1])) || (mine?.[1] && theirs?.[0]);
    })
  );
}
