import { beforeEach, describe, expect, it } from "vitest";
import { aPerson } from "../../support/people.ts";
import { anEvent, get, hex, messages, query, recorded } from "../../support/world.ts";
import { C, C2, cannotRestore, P, recordWorld, S, seen, urls } from "./world.ts";

beforeEach(recordWorld);

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

  it("that does not exist is not there, but empty for staff, as it may exist", async () => {
    const url = `/api/users/${hex("nobody")}/`;

    expect(await seen((await aPerson()).token, url)).toEqual(cannotRestore(url));
    expect(await seen((await aPerson({ staff: true })).token, url)).toEqual([]);
  });

  it("that only hidden events have named is not there, except for staff", async () => {
    expect(await seen((await aPerson({ roles: [{ scope: C }] })).token, urls.user)).toEqual(cannotRestore(urls.user));
    expect(await seen((await aPerson({ staff: true })).token, urls.user)).toEqual(["sign-in"]);
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
    const related = (user: string) => messages(token, query(["related_user_uuid", user]));

    expect(await related(uuid)).toEqual(["suffered", "did"]);
    expect(await related(S)).toEqual([]);
    expect(await seen(token, urls.customer, ["related_user_uuid", S])).toEqual([]);
    expect(await seen(token, urls.customer, ["related_user_uuid", uuid])).toEqual([]);
  });
});
