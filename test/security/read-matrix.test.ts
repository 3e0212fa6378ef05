import { expect, it } from "vitest";
import { aPerson } from "../support/people.ts";
import { anEvent, hex, query, recorded, request } from "../support/world.ts";

/** In the message of every event that none of the actors may see. */
const MARK = "confidential-4711";
const MIN_CHECKS = 2_000;

const mine = {
  customer: hex("my customer"),
  project: hex("my project"),
  resource: hex("my resource"),
  vm: hex("my vm"),
  order: hex("my order"),
};
const foreign = {
  customer: hex("customer"),
  project: hex("project"),
  resource: hex("resource"),
  vm: hex("vm"),
  order: hex("order"),
  user: hex("foreign user"),
};

type Place = typeof mine;

/** Events of every kind of object in a place. */
function eventsOf(
  { customer, project, resource, vm, order }: Place,
  message: string,
  more: Record<string, string> = {},
) {
  const place = { customer_uuid: customer, project_uuid: project, ...more };
  const event = (eventType: string, context: Record<string, string>) => anEvent({ eventType, message, context });
  return [
    event("customer_update_succeeded", { customer_uuid: customer, ...more }),
    event("project_update_succeeded", place),
    event("marketplace_resource_create_succeeded", { ...place, resource_uuid: resource, resource_backend_uuid: vm }),
    event("resource_stop_succeeded", { ...place, resource_uuid: vm, resource_type: "OpenStack.Instance" }),
    event("marketplace_order_approved", { ...place, order_uuid: order, resource_uuid: resource }),
    event("custom_notification", place),
  ];
}

/** People who see nothing of the foreign events, each with the headers of a request. */
async function actors(): Promise<Record<string, Record<string, string>>> {
  const { uuid: staff } = await aPerson({ staff: true });
  const of = async (given: Parameters<typeof aPerson>[0], more: Record<string, string> = {}) => ({
    Authorization: `Token ${(await aPerson(given)).token}`,
    ...more,
  });
  const owner = [{ scope: mine.customer }];
  return {
    "no credentials": {},
    "a wrong token": { Authorization: "Token 0123456789abcdef0123456789abcdef01234567" },
    "a token that has ended": await of({ staff: true, expires: 1 }),
    "a token of an inactive member of staff": await of({ staff: true, active: false }),
    "a user without roles": await of({}),
    "an owner of another customer": await of({ roles: owner }),
    "a member of another project": await of({
      roles: [{ type: "project", scope: mine.project, customer: mine.customer }],
    }),
    "a former owner": await of({ roles: [{ scope: foreign.customer, expires: 1 }] }),
    "a former member": await of({ roles: [{ type: "project", scope: foreign.project, expires: 1 }] }),
    "an owner who claims to be staff": await of({ roles: owner }, { "X-Impersonated-User-Uuid": staff }),
    "an owner who claims to be the foreign user": await of(
      { roles: owner },
      { "X-Impersonated-User-Uuid": foreign.user },
    ),
  };
}

const SEGMENTS: Record<keyof typeof foreign, string> = {
  customer: "customers",
  project: "projects",
  resource: "marketplace-resources",
  vm: "openstack-instances",
  order: "marketplace-orders",
  user: "users",
};

/** Parameters that name foreign objects, or could reach their events in another way. */
function questions(): (readonly [string, string])[][] {
  const objects = Object.entries(foreign).map(
    ([kind, uuid]) => [SEGMENTS[kind as keyof typeof foreign], uuid] as const,
  );
  const scopes = [
    ...objects.map(([segment, uuid]) => `/api/${segment}/${uuid}/`),
    ...objects.map(([segment, uuid]) => `https://waldur.example.com/api/${segment}/${uuid.toUpperCase()}/`),
    // An object under the URL of another type, and an action of an object.
    `/api/projects/${foreign.customer}/`,
    `/api/customers/${foreign.project}/`,
    `/api/customers/${foreign.customer}/users/`,
    `/api/keys/${foreign.customer}/`,
  ];
  return [
    [],
    ...scopes.map((scope) => [["scope", scope] as const]),
    ...scopes
      .slice(0, 2)
      .map((scope) => [["scope", `/api/customers/${mine.customer}/`] as const, ["scope", scope] as const]),
    [["customer_uuid", foreign.customer]],
    [["project_uuid", foreign.project]],
    [["user_uuid", foreign.user]],
    [["related_user_uuid", foreign.user]],
    [["message", MARK.slice(0, -5)]],
    [["message", MARK.slice(0, 2)]],
    [["event_type", "marketplace_order_approved"]],
    [["feature", "resources"]],
    [
      ["field", "message"],
      ["o", "created"],
    ],
  ];
}

const METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"];

it(`no route, by no method, tells anybody of events that they may not see (${MIN_CHECKS} checks and more)`, async () => {
  const hidden = eventsOf(foreign, MARK, { user_uuid: foreign.user, affected_user_uuid: foreign.user });
  await recorded(...hidden, ...eventsOf(mine, "mine"));
  const routes = [
    ...["/api/events/", "/api/events/count/", "/api/events-stats/", "/api/events.json"],
    ...hidden.slice(0, 2).map(({ uuid }) => `/api/events/${uuid}/`),
    ...["/api/events/1/", "/api/events/2/"],
  ];
  let checks = 0;
  const leaks: string[] = [];
  for (const [who, headers] of Object.entries(await actors())) {
    for (const route of routes) {
      for (const pairs of questions()) {
        const methods = pairs.length === 0 ? METHODS : ["GET", "HEAD"];
        for (const method of methods) {
          const response = await request(`${route}${query(...pairs)}`, { method, headers });
          checks += 1;
          const leak = await leakIn(
            response,
            hidden.map(({ uuid }) => uuid),
          );
          if (leak) leaks.push(`${who}: ${method} ${route}${query(...pairs)}: ${leak}`);
        }
      }
    }
  }

  expect(leaks).toEqual([]);
  expect(checks).toBeGreaterThanOrEqual(MIN_CHECKS);
});

/** What a response tells of the hidden events; undefined for nothing. */
async function leakIn(response: Response, uuids: readonly string[]): Promise<string | undefined> {
  const body = await response.text();
  const text = `${[...response.headers].join("\n")}\n${body}`;
  if (text.includes(MARK)) return "the message";
  const uuid = uuids.find((one) => text.includes(one));
  if (uuid !== undefined) return `the uuid ${uuid}`;
  if (![200, 301, 304, 400, 401, 403, 404, 405].includes(response.status)) return `status ${response.status}`;
  if (response.status !== 200) return undefined;
  const count = Number(response.headers.get("X-Result-Count") ?? 0);
  const isOptions = body.includes('"renders"');
  const shown: unknown = body === "" || isOptions ? [] : JSON.parse(body);
  const told = Array.isArray(shown) ? shown.length : Number((shown as { count?: number }).count ?? 0);
  return count > 0 || told > 0 ? `${count} events` : undefined;
}

it("the same questions reach the events for those who may see them", async () => {
  await recorded(...eventsOf(foreign, MARK, { user_uuid: foreign.user }));
  const { token } = await aPerson({ roles: [{ scope: foreign.customer }] });
  const reached = new Set<number>();
  for (const pairs of questions()) {
    const response = await request(`/api/events/${query(...pairs)}`, { headers: { Authorization: `Token ${token}` } });
    reached.add(Number(response.headers.get("X-Result-Count") ?? -1));
  }

  expect([...reached].sort()).toEqual([-1, 0, 1, 3, 4, 5]);
});
