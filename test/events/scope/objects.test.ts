import { beforeEach, describe, expect, it } from "vitest";
import { stopClock } from "../../support/clock.ts";
import { aPerson } from "../../support/people.ts";
import { anEvent, get, hex, query, recorded } from "../../support/world.ts";
import { C, C2, cannotRestore, M, P, P2, recordWorld, S, seen, urls } from "./world.ts";

beforeEach(recordWorld);

describe("a customer as scope", () => {
  it("gives its feed to those with a role in it", async () => {
    const { token } = await aPerson({ roles: [{ scope: C }] });

    expect(await seen(token, urls.customer)).toEqual(["customer", "project", "vm", "resource"]);
  });

  it.each([{ staff: true }, { support: true }])("gives it to %o", async (who) => {
    const { token } = await aPerson(who);

    expect(await seen(token, urls.customer)).toEqual(["customer", "project", "vm", "resource"]);
  });

  it("gives nothing to a member of one of its projects", async () => {
    const { token } = await aPerson({ roles: [{ type: "project", scope: P }] });

    expect(await seen(token, urls.customer)).toEqual([]);
  });

  it("is known to a member by the role itself where no event has told of the project", async () => {
    const { token } = await aPerson({ roles: [{ type: "project", scope: hex("unheard"), customer: C }] });

    expect(await seen(token, urls.customer)).toEqual([]);
  });

  it("is not there for a stranger", async () => {
    const { token } = await aPerson({ roles: [{ scope: C2 }] });

    expect(await seen(token, urls.customer)).toEqual(cannotRestore(urls.customer));
  });

  it("of which no event tells is empty for its owner and for staff, and not there for others", async () => {
    const url = `/api/customers/${hex("new")}/`;

    expect(await seen((await aPerson({ roles: [{ scope: hex("new") }] })).token, url)).toEqual([]);
    expect(await seen((await aPerson({ staff: true })).token, url)).toEqual([]);
    expect(await seen((await aPerson()).token, url)).toEqual(cannotRestore(url));
  });

  it("that is an object of another type is not there, for staff either", async () => {
    const url = `/api/customers/${P}/`;

    for (const who of [{}, { staff: true }])
      expect(await seen((await aPerson(who)).token, url)).toEqual(cannotRestore(url));
  });
});

describe.each([
  ["project", urls.project, ["project", "vm", "resource"]],
  ["plugin's object", urls.vm, ["vm"]],
  ["marketplace resource, with the object behind it,", urls.resource, ["vm", "resource"]],
] as const)("a %s as scope", (_what, url, messages) => {
  it.each([
    ["a role in the customer", [{ scope: C }]],
    ["a role in the project", [{ type: "project", scope: P }]],
  ])("is seen with %s", async (_role, roles) => {
    expect(await seen((await aPerson({ roles })).token, url)).toEqual(messages);
  });

  it("is seen by staff", async () => {
    expect(await seen((await aPerson({ staff: true })).token, url)).toEqual(messages);
  });

  it.each([
    ["no role", []],
    ["a role elsewhere", [{ scope: C2 }, { type: "project", scope: P2 }]],
    ["a role of another kind on the same UUID", [{ type: "project", scope: C }]],
    ["an expired role", [{ scope: C, expires: 1 }]],
  ])("is not there for those with %s", async (_role, roles) => {
    expect(await seen((await aPerson({ roles })).token, url)).toEqual(cannotRestore(url));
  });
});

it("a role on the object itself lets its holder see it", async () => {
  const { token } = await aPerson({ roles: [{ type: "resource", scope: M }] });

  expect(await seen(token, urls.resource)).toEqual(["vm", "resource"]);
});

it("a role counts until the microsecond it expires", async () => {
  stopClock("2026-05-01T00:00:00Z");
  const now = Date.UTC(2026, 4, 1) * 1000;
  const lasting = await aPerson({ roles: [{ scope: C, expires: now + 1 }] });
  const ended = await aPerson({ roles: [{ scope: C, expires: now }] });

  expect(await seen(lasting.token, urls.project)).toEqual(["project", "vm", "resource"]);
  expect(await seen(ended.token, urls.project)).toEqual(cannotRestore(urls.project));
});

it("a resource follows its project to another customer", async () => {
  await recorded(anEvent({ eventType: "project_update_succeeded", context: { customer_uuid: C2, project_uuid: P } }));

  expect(await seen((await aPerson({ roles: [{ scope: C2 }] })).token, urls.vm)).toEqual(["vm"]);
  expect(await seen((await aPerson({ roles: [{ scope: C }] })).token, urls.vm)).toEqual(cannotRestore(urls.vm));
});

it.each(["keys", "access-subnets", "marketplace-plans", "marketplace-offering-users", "paypal-invoices"])(
  "%s give nobody anything",
  async (segment) => {
    for (const who of [{}, { staff: true }, { support: true }]) {
      expect(await seen((await aPerson(who)).token, `/api/${segment}/${C}/`)).toEqual([]);
    }
  },
);

it("a scope narrows what staff sees, too, and joins their filters", async () => {
  const { token } = await aPerson({ staff: true });

  expect(await seen(token, urls.customer, ["event_type", "project_update_succeeded"])).toEqual(["project"]);
  expect(await seen(token, urls.user, ["related_user_uuid", S])).toEqual(["sign-in"]);
});

describe("one event", () => {
  it("is found by id and uuid through a scope that has it, and by nothing else", async () => {
    const { token } = await aPerson({ roles: [{ scope: C }] });
    const staff = await aPerson({ staff: true });
    const [event] = await (
      await get(`/api/events/${query(["scope", urls.vm], ["field", "id"], ["field", "uuid"])}`, staff.token)
    ).json<{ id: number; uuid: string }[]>();

    for (const key of [event?.id, event?.uuid]) {
      expect((await get(`/api/events/${key}/${query(["scope", urls.vm])}`, token)).status).toBe(200);
      for (const search of ["", query(["related_user_uuid", S])]) {
        const hidden = await get(`/api/events/${key}/${search}`, token);
        expect(hidden.status).toBe(404);
        expect(await hidden.json()).toEqual({ detail: "No Event matches the given query." });
      }
      expect((await get(`/api/events/${key}/${query(["scope", urls.other])}`, token)).status).toBe(400);
    }
  });
});
