import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { deliver } from "../support/batch.ts";
import { hook } from "../support/ingest.ts";
import { aPerson } from "../support/people.ts";
import { aQueue } from "../support/queue.ts";
import { anEvent, get, hex, query, recorded, request } from "../support/world.ts";

const [MINE, THEIRS, PROJECT, RESOURCE, VM] = ["mine", "theirs", "project", "resource", "machine"].map(hex);
const INGEST_SECRETS = JSON.stringify({ stranger: ["s"], trusted: { secrets: ["t"], tells_places: true } });

/** Sends events in the name of a producer and delivers them. */
async function send(producer: "stranger" | "trusted", ...events: Record<string, unknown>[]): Promise<void> {
  const { queue, bodies } = aQueue();
  const headers = { Authorization: `Bearer ${producer[0]}`, "Content-Type": "application/json" };
  const init = { method: "POST", headers, body: JSON.stringify(events) };
  const response = await request(`/ingest/${producer}`, init, { INGEST_SECRETS, INGEST_QUEUE: queue });
  expect(response.status).toBe(202);
  await deliver(bodies);
}

const of = (customer: string | undefined, more: Record<string, unknown> = {}) =>
  hook({
    event_type: "project_update_succeeded",
    context: { customer_uuid: customer, project_uuid: PROJECT },
    ...more,
  });

const seen = async (token: string, path: string) => {
  const response = await get(`/api/events/${query(["scope", path])}`, token);
  return response.status === 200 ? (await response.json<unknown[]>()).length : response.status;
};
const projectUrl = `/api/projects/${PROJECT}/`;
const resourceUrl = `/api/marketplace-resources/${RESOURCE}/`;

describe("a producer without the right to tell places", () => {
  it("never opens a project by saying that it belongs to another customer", async () => {
    const owner = await aPerson({ roles: [{ scope: MINE ?? "" }] });
    await send("trusted", of(THEIRS));
    await send(
      "stranger",
      of(MINE, { created: "2026-11-01T00:00:00Z" }),
      of(MINE, { created: "2254-01-01T00:00:00Z" }),
    );

    expect(await seen(owner.token, projectUrl)).toBe(400);
  });

  it("never takes a project from its customer", async () => {
    const owner = await aPerson({ roles: [{ scope: THEIRS ?? "" }] });
    await send("trusted", of(THEIRS));
    await send("stranger", of(MINE, { created: "2254-01-01T00:00:00Z" }));

    expect(await seen(owner.token, projectUrl)).toBe(2);
  });

  it("never makes an object known, nor what kind it is", async () => {
    await send("stranger", of(MINE), hook({ event_type: "user_updated", context: { affected_user_uuid: VM } }));

    expect((await env.DB.prepare("SELECT * FROM objects").all()).results).toEqual([]);
  });

  it("never opens a foreign object as the one that backs its resource", async () => {
    const owner = await aPerson({ roles: [{ scope: MINE ?? "" }] });
    const resource = { customer_uuid: MINE, project_uuid: PROJECT, resource_uuid: RESOURCE };
    const theirs = hook({ event_type: "customer_update_succeeded", context: { customer_uuid: THEIRS } });
    await send("trusted", hook({ event_type: "marketplace_resource_create_succeeded", context: resource }), theirs);
    await send(
      "stranger",
      hook({
        event_type: "marketplace_resource_update_succeeded",
        context: { ...resource, resource_backend_uuid: THEIRS },
        created: "2026-11-01T00:00:00Z",
      }),
    );

    const shown = await seen(owner.token, resourceUrl);
    // The two events of the resource itself, which anybody may add to, and none of the foreign customer.
    expect(shown).toBe(2);
  });
});

describe("a producer with the right to tell places", () => {
  it("teaches by an event of the same content, though a stranger has sent it first", async () => {
    const owner = await aPerson({ roles: [{ scope: MINE ?? "" }] });
    await send("stranger", of(MINE));
    expect(await seen(owner.token, projectUrl)).toBe(400);
    await send("trusted", of(MINE));

    expect(await seen(owner.token, projectUrl)).toBe(1);
  });

  it("never teaches by an event of a type that the catalogue does not know", async () => {
    await send("trusted", of(MINE, { event_type: "resource_anything" }));

    expect((await env.DB.prepare("SELECT * FROM objects").all()).results).toEqual([]);
  });

  it("never decides for good by an event from the future", async () => {
    const received = 1_790_000_000_000_000;
    const at = (customer: string | undefined, created: number, receivedAt: number) =>
      anEvent({
        eventType: "project_update_succeeded",
        context: { customer_uuid: customer, project_uuid: PROJECT },
        created,
        receivedAt,
      });
    await recorded(at(THEIRS, 8_900_000_000_000_000, received));
    await recorded(at(MINE, received + 5_000_000, received + 6_000_000));

    expect(await env.DB.prepare("SELECT customer FROM objects WHERE uuid = ?").bind(PROJECT).first("customer")).toBe(
      MINE,
    );
  });

  it.each([
    ["a customer", { customer_uuid: THEIRS }, "customer_update_succeeded", THEIRS],
    ["a user", { affected_user_uuid: VM }, "user_update_succeeded", VM],
    [
      "a machine of another project",
      { resource_uuid: VM, resource_type: "OpenStack.Instance", project_uuid: hex("p2"), customer_uuid: MINE },
      "resource_stop_succeeded",
      VM,
    ],
    [
      "a machine of another customer",
      { resource_uuid: VM, resource_type: "OpenStack.Instance", customer_uuid: THEIRS },
      "resource_stop_succeeded",
      VM,
    ],
    ["an object that no event has placed", {}, "user_activated", VM],
  ])("never opens %s as the object that backs a resource", async (_what, context, type, backing) => {
    const owner = await aPerson({ roles: [{ scope: MINE ?? "" }] });
    await send("trusted", hook({ event_type: type, context }));
    await send(
      "trusted",
      hook({
        event_type: "marketplace_resource_create_succeeded",
        context: {
          customer_uuid: MINE,
          project_uuid: PROJECT,
          resource_uuid: RESOURCE,
          resource_backend_uuid: backing,
        },
      }),
    );

    expect(await seen(owner.token, resourceUrl)).toBe(1);
  });

  it("never opens a machine of which no customer is known as the one that backs a resource of which none is", async () => {
    const staff = await aPerson({ staff: true });
    const machine = { resource_uuid: VM, resource_type: "OpenStack.Instance" };
    await send("trusted", hook({ event_type: "resource_stop_succeeded", context: machine }));
    const resource = { resource_uuid: RESOURCE, resource_backend_uuid: VM };
    await send("trusted", hook({ event_type: "marketplace_resource_create_succeeded", context: resource }));

    expect(await seen(staff.token, resourceUrl)).toBe(1);
  });

  it("opens the machine of the same project as the object that backs a resource", async () => {
    const owner = await aPerson({ roles: [{ scope: MINE ?? "" }] });
    const place = { customer_uuid: MINE, project_uuid: PROJECT };
    const machine = { ...place, resource_uuid: VM, resource_type: "OpenStack.Instance" };
    await send("trusted", hook({ event_type: "resource_stop_succeeded", context: machine }));
    const resource = { ...place, resource_uuid: RESOURCE, resource_backend_uuid: VM };
    await send("trusted", hook({ event_type: "marketplace_resource_create_succeeded", context: resource }));

    expect(await seen(owner.token, resourceUrl)).toBe(2);
  });

  it("never leaves a row about a move that an older event does not make, nor about none", async () => {
    await send("trusted", of(THEIRS));
    await send("trusted", of(MINE, { created: "2025-01-01T00:00:00Z" }));
    await send("trusted", of(THEIRS, { created: "2026-11-01T00:00:00Z" }));

    expect((await env.DB.prepare("SELECT * FROM object_moves").all()).results).toEqual([]);
  });

  it("never opens an object that provides nothing, though it is in the same project", async () => {
    const owner = await aPerson({ roles: [{ scope: MINE ?? "" }] });
    const place = { customer_uuid: MINE, project_uuid: PROJECT };
    const create = (context: object) => hook({ event_type: "marketplace_resource_create_succeeded", context });
    await send("trusted", create({ ...place, resource_uuid: VM }));
    await send("trusted", create({ ...place, resource_uuid: RESOURCE, resource_backend_uuid: VM }));

    expect(await seen(owner.token, resourceUrl)).toBe(1);
  });

  it("never moves an object to another customer without a log line and a row for the operator", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    try {
      await send("trusted", of(THEIRS));
      await send("trusted", of(MINE, { created: "2026-11-01T00:00:00Z" }));
      const lines = warn.mock.calls.map(([line]) => JSON.parse(String(line)));
      const move = { object: PROJECT, oldCustomer: THEIRS, newCustomer: MINE, producer: "trusted" };
      expect(lines).toEqual([expect.objectContaining({ event: "object_moved", ...move })]);
      expect(
        (await env.DB.prepare("SELECT object, old_customer, new_customer, producer FROM object_moves").all()).results,
      ).toEqual([{ object: PROJECT, old_customer: THEIRS, new_customer: MINE, producer: "trusted" }]);
    } finally {
      warn.mockRestore();
    }
  });
});

describe("with no producer trusted, scopes come from roles alone:", () => {
  it("staff see the events of any object, a role on the object itself opens it, and its customer does not", async () => {
    await send("stranger", of(MINE));
    const staff = await aPerson({ staff: true });
    const member = await aPerson({ roles: [{ type: "project", scope: PROJECT ?? "", customer: MINE ?? "" }] });
    const owner = await aPerson({ roles: [{ scope: MINE ?? "" }] });

    expect(await seen(staff.token, projectUrl)).toBe(1);
    expect(await seen(member.token, projectUrl)).toBe(1);
    expect(await seen(owner.token, projectUrl)).toBe(400);
    expect(await seen(owner.token, `/api/customers/${MINE}/`)).toBe(1);
    expect(await seen(member.token, `/api/customers/${MINE}/`)).toBe(0);
  });

  it("staff get an empty list for an object that no event names, and others 400", async () => {
    const staff = await aPerson({ staff: true });
    const nobody = await aPerson();

    expect(await seen(staff.token, resourceUrl)).toBe(0);
    expect(await seen(staff.token, `/api/users/${VM}/`)).toBe(0);
    expect(await seen(nobody.token, resourceUrl)).toBe(400);
  });
});
