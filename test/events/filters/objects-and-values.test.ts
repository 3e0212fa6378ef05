import { describe, expect, it } from "vitest";
import { aPerson } from "../../support/people.ts";
import { anEvent, get, messages, query, recorded } from "../../support/world.ts";
import { refusal } from "./refusal.ts";

const A = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";
const B = "ffffffffffffffffffffffffffffffff";

const UUID_PARAMETERS = ["customer_uuid", "project_uuid", "user_uuid"];

describe.each(UUID_PARAMETERS)("%s", (parameter) => {
  it("gives the events whose context has it under the same name at the top", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(
      anEvent({ message: "mine", context: { [parameter]: A } }),
      anEvent({ message: "of another", context: { [parameter]: B } }),
      anEvent({ message: "of none" }),
      anEvent({ message: "nested", context: { inner: { [parameter]: A } } }),
      anEvent({ message: "in a list", context: { [parameter]: [A] } }),
      anEvent({ message: "null", context: { [parameter]: null } }),
      anEvent({ message: "under another name", context: { resource_uuid: A, affected_user_uuid: A } }),
      ...UUID_PARAMETERS.filter((other) => other !== parameter).map((other) =>
        anEvent({ message: `as ${other}`, context: { [other]: A } }),
      ),
    );

    expect(await messages(token, `?${parameter}=${A}`)).toEqual(["mine"]);
  });

  it.each([
    ["dashes", "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"],
    ["dashes anywhere", "0a-1b2c3d4e5f60718293a4b5c6d7e8f9-"],
    ["capitals", A.toUpperCase()],
    ["braces", `{${A}}`],
    ["braces and dashes", "{0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9}"],
    ["urn:uuid:", "urn:uuid:0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"],
    ["blanks around", ` ${A} `],
  ])("may be written with %s", async (_form, value) => {
    const { token } = await aPerson({ staff: true });
    await recorded(anEvent({ message: "mine", context: { [parameter]: A } }), anEvent({ context: { [parameter]: B } }));

    expect(await messages(token, query([parameter, value]))).toEqual(["mine"]);
  });

  it.each([
    ["dashes", "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"],
    ["capitals", A.toUpperCase()],
  ])("is compared as 32 hex: a context that has it with %s does not match", async (_form, value) => {
    const { token } = await aPerson({ staff: true });
    await recorded(
      anEvent({ message: "32 hex", context: { [parameter]: A } }),
      anEvent({ message: "as given", context: { [parameter]: value } }),
    );

    expect(await messages(token, `?${parameter}=${A}`)).toEqual(["32 hex"]);
  });

  it("that is no UUID is 400", async () => {
    const bad = [
      "abc",
      A.slice(1),
      `${A}0`,
      `g${A.slice(1)}`,
      `(${A})`,
      `${A.slice(0, 16)} ${A.slice(16)}`,
      "0",
      "null",
    ];

    for (const value of bad) {
      expect(await refusal(query([parameter, value])), value).toEqual({
        status: 400,
        body: { [parameter]: ["Enter a valid UUID."] },
      });
    }
  });

  it.each(["", "  "])("of %j is no filter", async (value) => {
    const { token } = await aPerson({ staff: true });
    await recorded(anEvent({ message: "any" }));

    expect(await messages(token, query([parameter, value]))).toEqual(["any"]);
  });
});

describe("user_uuid", () => {
  it("looks at the actor only, not at the affected user", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(
      anEvent({ message: "did it", context: { user_uuid: A, affected_user_uuid: B } }),
      anEvent({ message: "suffered it", context: { user_uuid: B, affected_user_uuid: A } }),
    );

    expect(await messages(token, `?user_uuid=${A}`)).toEqual(["did it"]);
  });
});

describe("related_user_uuid", () => {
  it("gives events with the user as actor, as affected user or in the series, each once", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(
      anEvent({ message: "actor", context: { user_uuid: A } }),
      anEvent({ message: "affected", context: { affected_user_uuid: A } }),
      anEvent({ message: "both", context: { user_uuid: A, affected_user_uuid: A } }),
      // The series of a sign-in has its user, in whatever form; the actor's key is compared as 32 hex only.
      anEvent({ message: "series", eventType: "auth_logged_out", context: { user_uuid: A.toUpperCase() } }),
      anEvent({ message: "customer", context: { customer_uuid: A, project_uuid: A } }),
      anEvent({ message: "another", context: { user_uuid: B, affected_user_uuid: B } }),
    );

    const response = await get(`/api/events/?related_user_uuid=${A}&o=created`, token);

    expect((await response.json<{ message: string }[]>()).map((event) => event.message)).toEqual([
      "actor",
      "affected",
      "both",
      "series",
    ]);
    expect(response.headers.get("X-Result-Count")).toBe("4");
  });

  it("that is no UUID is 400", async () => {
    expect(await refusal("?related_user_uuid=me")).toEqual({
      status: 400,
      body: { related_user_uuid: ["Enter a valid UUID."] },
    });
  });
});

describe.each(["auth_method", "pat_uuid"])("%s", (parameter) => {
  it.each([
    ["the same text", "token", "token", true],
    ["trimmed", " token ", "token", true],
    ["text with quotes", `it's "x"`, `it's "x"`, true],
    ["text beyond ASCII", "õ", "õ", true],
    ["a UUID as 32 hex", A, A, true],
    ["another case", "TOKEN", "token", false],
    ["a part of it", "tok", "token", false],
    ["more than it", "tokens", "token", false],
    ["a wildcard", "tok%", "token", false],
    ["a UUID with dashes, where the context has none", "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9", A, false],
    ["a UUID in capitals, where the context has small letters", A.toUpperCase(), A, false],
    ["digits, where the context has a number", "5", 5, false],
    ["true, where the context has a boolean", "true", true, false],
    ["null, where the context has null", "null", null, false],
    ["JSON, where the context has an object", "{}", {}, false],
  ])("is compared exactly: %s", async (_what, value, stored, matches) => {
    const { token } = await aPerson({ staff: true });
    await recorded(
      anEvent({ message: "it", context: { [parameter]: stored } }),
      anEvent({ message: "nested", context: { inner: { [parameter]: value } } }),
      anEvent({ message: "without" }),
      anEvent({ message: "exactly", context: { [parameter]: value.trim() } }),
    );

    expect(await messages(token, query([parameter, value]))).toEqual(matches ? ["exactly", "it"] : ["exactly"]);
  });

  it("matches the text as it stands in the context, a UUID with dashes included", async () => {
    const { token } = await aPerson({ staff: true });
    const dashed = "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9";
    await recorded(anEvent({ message: "dashed", context: { [parameter]: dashed } }));

    expect(await messages(token, `?${parameter}=${dashed}`)).toEqual(["dashed"]);
  });

  it.each(["", " "])("of %j is no filter", async (value) => {
    const { token } = await aPerson({ staff: true });
    await recorded(anEvent({ message: "any" }));

    expect(await messages(token, query([parameter, value]))).toEqual(["any"]);
  });

  it("with a NUL is 400", async () => {
    expect(await refusal(`?${parameter}=a%00b`)).toEqual({
      status: 400,
      body: { [parameter]: ["Null characters are not allowed."] },
    });
  });
});
