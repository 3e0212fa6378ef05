import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { database, runBatch } from "../../../src/db/client.ts";
import { objectsOf } from "../../../src/events/objects/extract.ts";
import { insertObjects, objectRows } from "../../../src/events/objects/learn.ts";
import { anEvent, hex, recorded } from "../../support/world.ts";

const [C, C2, P, R, B, U, O] = ["customer", "other", "project", "resource", "backing", "user", "offering"].map(hex);

/** An event of a type that tells of objects. */
const aTold = (event: Parameters<typeof anEvent>[0]) => anEvent({ eventType: "project_creation_succeeded", ...event });

const stored = async () =>
  (
    await env.DB.prepare(
      "SELECT uuid, type, customer, project, backing_resource AS backingResource FROM objects ORDER BY uuid",
    ).all()
  ).results;

describe("an event tells of the objects its context names", () => {
  const place = { customer_uuid: C, project_uuid: P };
  it.each<[what: string, type: string, context: Record<string, unknown>, told: object[]]>([
    ["a customer", "customer_creation_succeeded", { customer_uuid: C }, [{ uuid: C, type: "structure.customer" }]],
    [
      "a project, and whose it is",
      "project_creation_succeeded",
      place,
      [{ uuid: P, type: "structure.project", customer: C }],
    ],
    [
      "users",
      "user_updated",
      { user_uuid: U, affected_user_uuid: B },
      [
        { uuid: U, type: "core.user" },
        { uuid: B, type: "core.user" },
      ],
    ],
    [
      "a plugin's object by resource_type",
      "resource_creation_succeeded",
      { ...place, resource_uuid: R, resource_type: "VMware.VirtualMachine" },
      [{ uuid: R, type: "waldur_vmware.virtualmachine", customer: C, project: P }],
    ],
    [
      "a plugin's object of a type we do not know",
      "resource_creation_succeeded",
      { ...place, resource_uuid: R, resource_type: "Marketplace.Basic" },
      [{ uuid: R, customer: C, project: P }],
    ],
    [
      "the event's own object by its more specific key",
      "openstack_network_created",
      { ...place, network_uuid: R, resource_type: "OpenStack.Network" },
      [{ uuid: R, type: "openstack.network", customer: C, project: P }],
    ],
    [
      "the first object of the series, where no type is named",
      "openstack_subnet_created",
      { ...place, subnet_uuid: R, network_uuid: B },
      [
        { uuid: R, type: "openstack.subnet", customer: C, project: P },
        { uuid: B, type: "openstack.network" },
      ],
    ],
    [
      "a marketplace resource and its backing resource",
      "marketplace_resource_create_succeeded",
      { ...place, resource_uuid: R, resource_backend_uuid: B },
      [{ uuid: R, type: "marketplace.resource", customer: C, project: P, backingResource: B }],
    ],
    [
      "an offering without a place: the customer is that of the buyer",
      "marketplace_resource_create_succeeded",
      { ...place, offering_uuid: O },
      [{ uuid: O, type: "marketplace.offering" }],
    ],
    [
      "a project without its customer, where an offering might have brought another",
      "project_update_request_created",
      { ...place, offering_uuid: O },
      [{ uuid: P, type: "structure.project" }],
    ],
    [
      "the object of a role, and its customer",
      "role_granted",
      { scope_type: "offering", scope_uuid: O, customer_uuid: C },
      [{ uuid: O, type: "marketplace.offering", customer: C }],
    ],
    [
      "a UUID in any form",
      "customer_creation_succeeded",
      { customer_uuid: C?.toUpperCase() },
      [{ uuid: C, type: "structure.customer" }],
    ],
  ])("%s", (_what, type, context, told) => {
    expect(objectsOf(type, context)).toEqual(expect.arrayContaining(told));
  });

  it.each([
    [
      "what is no UUID",
      "customer_creation_succeeded",
      { customer_uuid: "None", project_uuid: null, user_uuid: { a: 1 } },
    ],
    ["a resource of an issue, which may be of either kind", "issue_creation_succeeded", { resource_uuid: R }],
    ["a scope of a type we do not know", "role_granted", { scope_type: "toString", scope_uuid: R }],
    ["a scope_uuid outside of role events", "user_group_invitation_updated", { scope_type: "project", scope_uuid: R }],
  ])("and not of %s", (_what, type, context) => {
    expect(objectsOf(type, context)).toEqual([]);
  });
});

describe("the table of objects", () => {
  const created = (second: number, customer: string | undefined) =>
    aTold({
      created: second * 1_000_000,
      context: { project_uuid: P, ...(customer ? { customer_uuid: customer } : {}) },
    });
  const customerOfProject = async () => (await stored()).find((row) => row.uuid === P)?.customer;

  it("is written with the events, in the same transaction", async () => {
    await recorded(created(1, C));

    expect(await stored()).toEqual(
      expect.arrayContaining([
        { uuid: C, type: "structure.customer", customer: null, project: null, backingResource: null },
        { uuid: P, type: "structure.project", customer: C, project: null, backingResource: null },
      ]),
    );
  });

  it("costs no row written for objects that are known already", async () => {
    const told = objectRows([aTold({ context: { customer_uuid: C, project_uuid: P, user_uuid: U } })]);
    const written = async () => {
      const [result] = await runBatch(database(env.DB), [insertObjects(`[${told.join()}]`)]);
      return result?.meta.rows_written;
    };

    expect(await written()).toBe(3);
    expect(await written()).toBe(0);
  });

  it("learns in a later event what an earlier one did not tell, and forgets nothing", async () => {
    await recorded(created(1, undefined));
    await recorded(created(2, C));
    await recorded(created(3, undefined));

    expect(await customerOfProject()).toBe(C);
  });

  it("believes the newest event, in whatever order they come", async () => {
    await recorded(created(5, C));
    await recorded(created(9, C2));
    await recorded(created(7, C));
    expect(await customerOfProject()).toBe(C2);

    await recorded(created(12, C2), created(11, C));
    expect(await customerOfProject()).toBe(C2);
  });

  it("takes from an older event only what is missing", async () => {
    await recorded(created(5, undefined));
    await recorded(created(1, C));

    expect(await customerOfProject()).toBe(C);
  });

  it("never changes what an object is", async () => {
    await recorded(aTold({ created: 1, context: { user_uuid: R } }));
    await recorded(aTold({ created: 2, context: { customer_uuid: R } }));

    expect(await stored()).toEqual([
      { uuid: R, type: "core.user", customer: null, project: null, backingResource: null },
    ]);
  });
});
