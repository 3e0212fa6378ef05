import { beforeEach, describe, expect, it } from "vitest";
import { aPerson } from "../../support/people.ts";
import { C, cannotRestore, recordWorld, S, seen, urls } from "./world.ts";

beforeEach(recordWorld);

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
