import type { Random } from "../support/random.ts";
import { dashed } from "../support/world.ts";
import type { Question } from "./model.ts";
import type { World } from "./world.ts";

type Pair = [name: string, value: string];
type Scope = NonNullable<Question["scope"]>;

const SEGMENTS: Record<Scope["kind"], string> = {
  customer: "customers",
  project: "projects",
  resource: "marketplace-resources",
  vm: "openstack-instances",
  user: "users",
  key: "keys",
  unknown: "projects",
};

/** A random question, and the parameters that ask it. */
export function anyQuestion(random: Random, world: World): [Question, Pair[]] {
  const who = random.pick(world.people);
  const scope = random.oneIn(5) ? undefined : anyScope(random, world);
  const related = random.oneIn(4) ? random.pick([who.uuid, random.pick(world.people).uuid]) : undefined;
  const [filter, parameters] = random.oneIn(3) ? anyFilter(random, world) : [() => true, []];
  const question = { who, ...(scope ? { scope } : {}), ...(related ? { related } : {}), filter };
  const named: Pair[] = [];
  if (scope) named.push(["scope", urlOf(random, scope)]);
  if (related) named.push(["related_user_uuid", related]);
  return [question, [...named, ...parameters]];
}

function anyScope(random: Random, { customers, projects, resources, people }: World): Scope {
  const kind = random.pick<Scope["kind"]>([
    "customer",
    "customer",
    "project",
    "project",
    "resource",
    "vm",
    "user",
    "key",
    "unknown",
  ]);
  const uuids: Record<Scope["kind"], () => string> = {
    customer: () => random.pick(customers),
    project: () => random.pick(projects).uuid,
    resource: () => random.pick(resources).uuid,
    vm: () => random.pick(resources).vm,
    user: () => random.pick(people).uuid,
    key: () => random.hex(),
    // Nobody's, or somebody's but of another kind.
    unknown: () => random.pick([random.hex(), random.pick(customers), random.pick(people).uuid]),
  };
  return { kind, uuid: uuids[kind]() };
}

function urlOf(random: Random, { kind, uuid }: Scope): string {
  const host = random.pick(["", "https://waldur.example.com", "http://127.0.0.1:8787"]);
  return `${host}/api/${SEGMENTS[kind]}/${random.pick([uuid, dashed(uuid)])}/`;
}

function anyFilter(random: Random, world: World): [Question["filter"], Pair[]] {
  const { type, second, message } = random.pick(world.happenings);
  const customer = random.pick(world.customers);
  const word = message.split(" ")[1] ?? "";
  return random.pick<[Question["filter"], Pair[]]>([
    [(event) => event.type === type, [["event_type", type]]],
    [(event) => event.message.includes(word), [["message", word.toUpperCase()]]],
    [(event) => event.second >= second, [["created_from", `${second}`]]],
    [(event) => event.context.customer_uuid === customer, [["customer_uuid", customer]]],
    [() => true, [["o", "-created"]]],
  ]);
}
