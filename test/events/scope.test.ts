import { beforeEach, describe, expect, it } from "vitest";
import { aPerson } from "../support/people.ts";
import { anEvent, get, hex, query, recorded } from "../support/world.ts";

const [C, C2, P, P2, R, M, S] = ["customer", "other", "project", "project2", "vm", "resource", "stranger"].map(hex) as [
  string,
  string,
  string,
  string,
  string,
  string,
  string,
];
const place = { customer_uuid: C, project_uuid: P };

/** Events of two customers: what a scope gives are their messages. */
const world = () =>
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

beforeEach(world);

const urls = {
  customer: `https://waldur.example.com/api/customers/${C}/`,
  other: `/api/customers/${C2}/`,
  project: `/api/projects/${P}/`,
  vm: `/api/openstack-instances/${R}/`,
  resource: `/api/marketplace-resources/${M}/`,
  user: `/api/users/${S}/`,
};

/** The messages a scope gives, oldest first, in list, count and HEAD alike; else the status and body of the error. */
async function seen(token: string, scope: string, ...more: [string, string][]) {
  const search = query(["scope", scope], ["o", "created"], ["page_size", "100"], ...more);
  const response = await get(`/api/events/${search}`, token);
  if (response.status !== 200) return { status: response.status, body: await response.json() };
  const listed = (await response.json<{ message: string }[]>()).map((event) => event.message);
  const head = await get(`/api/events/${search}`, token, { method: "HEAD" });
  expect(await (await get(`/api/events/count/${search}`, token)).json()).toEqual({ count: listed.length });
  expect(head.headers.get("X-Result-Count")).toBe(String(listed.length));
  return listed;
}

const cannotRestore = (url: string) => ({ status: 400, body: [`Can't restore object from url: ${url}`] });

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

  it("of which no event tells is empty for its owner, and not there for staff", async () => {
    const url = `/api/customers/${hex("new")}/`;

    expect(await seen((await aPerson({ roles: [{ scope: hex("new") }] })).token, url)).toEqual([]);
    expect(await seen((await aPerson({ staff: true })).token, url)).toEqual(cannotRestore(url));
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
    ["an expired role", [{ scope: C, expires: Date.now() * 1000 - 1 }]],
  ])("is not there for those with %s", async (_role, roles) => {
    expect(await seen((await aPerson({ roles })).token, url)).toEqual(cannotRestore(url));
  });
});

it("a role on the object itself lets its holder see it", async () => {
  const { token } = await aPerson({ roles: [{ type: "resource", scope: M }] });

  expect(await seen(token, urls.resource)).toEqual(["vm", "resource"]);
});

it("a role counts until the microsecond it expires", async () => {
  const soon = Date.now() * 1000 + 3_600_000_000;
  const { token } = await aPerson({ roles: [{ scope: C, expires: soon }] });

  expect(await seen(token, urls.project)).toEqual(["project", "vm", "resource"]);
});

it("a resource follows its project to another customer", async () => {
  await recorded(anEvent({ eventType: "project_update_succeeded", context: { customer_uuid: C2, project_uuid: P } }));

  expect(await seen((await aPerson({ roles: [{ scope: C2 }] })).token, urls.vm)).toEqual(["vm"]);
  expect(await seen((await aPerson({ roles: [{ scope: C }] })).token, urls.vm)).toEqual(cannotRestore(urls.vm));
});

describe("a user as scope", () => {
  const stranger = (roles: Parameters<typeof aPerson>[0] = {}) => aPerson({ uuid: S, ...roles });

  it("is seen by oneself", async () => {
    expect(await seen((await stranger()).token, urls.user)).toEqual(["sign-in"]);
  });

  it.each([
    ["a role in the same customer", [{ scope: C }], [{ scope: C }]],
    ["a role in the same project", [{ type: "project", scope: P }], [{ type: "project", scope: P }]],
    ["a role in a project of my customer", [{ scope: C }], [{ type: "project", scope: P }]],
    ["a role in the customer of my project", [{ type: "project", scope: P }], [{ scope: C }]],
  ])("is seen where they have %s", async (_how, mine, theirs) => {
    await stranger({ roles: theirs });

    expect(await seen((await aPerson({ roles: mine })).token, urls.user)).toEqual(["sign-in"]);
  });

  it.each([
    ["nothing in common", [{ scope: C }], [{ scope: C2 }]],
    [
      "two projects of one customer",
      [{ type: "project", scope: P }],
      [{ type: "project", scope: hex("p3"), customer: C }],
    ],
    ["what has expired", [{ scope: C }], [{ scope: C, expires: 1 }]],
  ])("can be restored, but gives nothing with %s", async (_how, mine, theirs) => {
    await stranger({ roles: theirs });

    expect(await seen((await aPerson({ roles: mine })).token, urls.user)).toEqual([]);
  });

  it("that does not exist is not there", async () => {
    const url = `/api/users/${hex("nobody")}/`;

    for (const who of [{}, { staff: true }])
      expect(await seen((await aPerson(who)).token, url)).toEqual(cannotRestore(url));
  });

  it("that only hidden events have named is not there, except for staff", async () => {
    expect(await seen((await aPerson({ roles: [{ scope: C }] })).token, urls.user)).toEqual(cannotRestore(urls.user));
    expect(await seen((await aPerson({ staff: true })).token, urls.user)).toEqual(["sign-in"]);
  });
});

describe("the URL", () => {
  it.each([
    ["of any host", `http://elsewhere.example:8000/api/customers/${C}/`],
    ["without a host", `/api/customers/${C}/`],
    ["with dashes and capitals", `/api/customers/${C.replace(/(.{8})(.{4})/, "$1-$2-").toUpperCase()}/`],
    ["of another view of the same model", `/api/financial-reports/${C}/`],
    ["of an action of the object", `/api/customers/${C}/users/`],
  ])("may be %s", async (_what, url) => {
    const { token } = await aPerson({ roles: [{ scope: C }] });

    expect(await seen(token, url)).toHaveLength(4);
  });

  it.each([
    `/api/customers/${C}`,
    `/api/customers/${C}/?x=1`,
    `/api/customers/${C}.json`,
    `/api/customers/${C}/users`,
    "/api/customers/",
    "/api/customers/abc/",
    `/api/nothing/${C}/`,
    `/api/projects/${C}/`,
    `/api/user-agreements/${C}/`,
    `api/customers/${C}/`,
    `/customers/${C}/`,
    `/api/toString/${C}/`,
    C,
    "http",
    "https://waldur.example.com",
    " ",
  ])("%j cannot be restored", async (url) => {
    for (const who of [{ staff: true }, { roles: [{ scope: C }] }]) {
      expect(await seen((await aPerson(who)).token, url)).toEqual(cannotRestore(url));
    }
  });

  it("of an event names nothing a scope can be", async () => {
    const { token } = await aPerson();

    expect(await seen(token, "/api/events/1/")).toEqual({
      status: 400,
      body: [
        expect.stringMatching(
          /^<class '.*Event'> is not valid\. Valid models are: core\.user, .*structure\.customer, /,
        ),
      ],
    });
  });

  it.each(["/api/events/abc/", "/api/customers/\0/"])("%j is invalid", async (url) => {
    expect(await seen((await aPerson()).token, url)).toEqual({ status: 400, body: [`URL is invalid: ${url}.`] });
  });

  it("must not be empty", async () => {
    for (const who of [{}, { staff: true }]) {
      expect(await seen((await aPerson(who)).token, "")).toEqual({
        status: 400,
        body: [expect.stringContaining("empty")],
      });
    }
  });

  it("that is given last counts", async () => {
    const { token } = await aPerson({ roles: [{ scope: C }] });

    expect(await seen(token, "junk", ["scope", urls.project])).toEqual(["project", "vm", "resource"]);
    expect(await seen(token, urls.project, ["scope", "junk"])).toEqual(cannotRestore("junk"));
  });
});

it.each(["keys", "access-subnets", "marketplace-plans", "marketplace-offering-users", "paypal-invoices"])(
  "%s give nobody anything",
  async (segment) => {
    for (const who of [{}, { staff: true }, { support: true }]) {
      expect(await seen((await aPerson(who)).token, `/api/${segment}/${C}/`)).toEqual([]);
    }
  },
);

describe("errors come in the contract's order", () => {
  it("of filters, of the scope, of the page", async () => {
    const { token } = await aPerson();
    await aPerson({ uuid: S });

    expect(await seen(token, "junk", ["customer_uuid", "x"], ["page", "99"])).toMatchObject({
      body: { customer_uuid: ["Enter a valid UUID."] },
    });
    expect(await seen(token, "junk", ["page", "99"])).toEqual(cannotRestore("junk"));
    expect(await seen(token, urls.user, ["page", "99"])).toMatchObject({ status: 404 });
  });
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

describe("without a scope", () => {
  it("an ordinary user gets an empty list with its headers", async () => {
    const { token } = await aPerson({ roles: [{ scope: C }] });

    const response = await get("/api/events/", token);

    expect(response.status).toBe(200);
    expect(await response.json()).toEqual([]);
    expect(response.headers.get("X-Result-Count")).toBe("0");
    expect(response.headers.get("Link")).toMatch(/^<[^>]*>; rel="first", <[^>]*>; rel="last"$/);
  });

  it("related_user_uuid shows users what concerns themselves, and nothing of others", async () => {
    const { token, uuid } = await aPerson({ roles: [{ scope: C }] });
    await recorded(
      anEvent({ message: "did", context: { user_uuid: uuid } }),
      anEvent({ message: "suffered", context: { affected_user_uuid: uuid } }),
    );
    const related = async (user: string) =>
      (await (await get(`/api/events/${query(["related_user_uuid", user])}`, token)).json<{ message: string }[]>()).map(
        (event) => event.message,
      );

    expect(await related(uuid)).toEqual(["suffered", "did"]);
    expect(await related(S)).toEqual([]);
    expect(await seen(token, urls.customer, ["related_user_uuid", S])).toEqual([]);
    expect(await seen(token, urls.customer, ["related_user_uuid", uuid])).toEqual([]);
  });
});

it("a scope narrows what staff sees, too, and joins their filters", async () => {
  const { token } = await aPerson({ staff: true });

  expect(await seen(token, urls.customer, ["event_type", "project_update_succeeded"])).toEqual(["project"]);
  expect(await seen(token, urls.user, ["related_user_uuid", S])).toEqual(["sign-in"]);
});
