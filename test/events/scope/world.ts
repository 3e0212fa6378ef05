import { expect } from "vitest";
import { anEvent, get, hex, query, recorded } from "../../support/world.ts";

export const [C, C2, P, P2, R, M, S] = ["customer", "other", "project", "project2", "vm", "resource", "stranger"].map(
  hex,
) as [string, string, string, string, string, string, string];
const place = { customer_uuid: C, project_uuid: P };

/** Events of two customers: what a scope gives are their messages. */
export const recordWorld = () =>
  recorded(
    anEvent({ message: "customer", eventType: "customer_update_succeeded", context: { customer_uuid: C } }),
    anEvent({ message: "project", eventType: "project_update_succeeded", context: place }),
    anEvent({
      message: "vm",
      eventType: "resource_stop_succeeded",
      context: { ...place, resource_uuid: R, resource_type: "OpenStack.Instance" },
    }),
    anEvent({
      message: "resource",
      eventType: "marketplace_resource_update_succeeded",
      context: { ...place, resource_uuid: M, resource_backend_uuid: R },
    }),
    anEvent({ message: "sign-in", eventType: "auth_logged_out", context: { user_uuid: S } }),
    anEvent({
      message: "other",
      context: { customer_uuid: C2, project_uuid: P2 },
      eventType: "project_update_succeeded",
    }),
  );

export const urls = {
  customer: `https://waldur.example.com/api/customers/${C}/`,
  other: `/api/customers/${C2}/`,
  project: `/api/projects/${P}/`,
  vm: `/api/openstack-instances/${R}/`,
  resource: `/api/marketplace-resources/${M}/`,
  user: `/api/users/${S}/`,
};

/** The messages a scope gives, oldest first, in list, count and HEAD alike; else the status and body of the error. */
export async function seen(token: string, scope: string, ...more: [string, string][]) {
  const search = query(["scope", scope], ["o", "created"], ["page_size", "100"], ...more);
  const response = await get(`/api/events/${search}`, token);
  if (response.status !== 200) return { status: response.status, body: await response.json() };
  const listed = (await response.json<{ message: string }[]>()).map((event) => event.message);
  const head = await get(`/api/events/${search}`, token, { method: "HEAD" });
  expect(await (await get(`/api/events/count/${search}`, token)).json()).toEqual({ count: listed.length });
  expect(head.headers.get("X-Result-Count")).toBe(String(listed.length));
  return listed;
}

/** The answer for an object that is not there. */
export const cannotRestore = (url: string) => ({ status: 400, body: [`Can't restore object from url: ${url}`] });
