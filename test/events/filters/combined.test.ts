import { describe, expect, it } from "vitest";
import { aPerson } from "../../support/people.ts";
import { anEvent, get, messages, query, recorded } from "../../support/world.ts";
import { refusal } from "./refusal.ts";

const A = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";
const B = "ffffffffffffffffffffffffffffffff";
/** A second; events are made in microseconds. */
const T = 1_760_000_000;
const at = (seconds: number, micros = 0) => seconds * 1_000_000 + micros;
const project = "project_creation_succeeded";
const customer = "customer_creation_succeeded";

describe("the order o", () => {
  it.each([
    ["foo", "foo"],
    ["user", "user"],
    ["Created", "Created"],
    ["+created", "+created"],
    [" created", " created"],
    ["created, -created", " -created"],
    ["created,foo", "foo"],
    ["--created", "--created"],
  ])("%j is 400: neither trimmed nor in another case", async (value, named) => {
    expect(await refusal(query(["o", value]))).toEqual({
      status: 400,
      body: { o: [`Select a valid choice. ${named} is not one of the available choices.`] },
    });
  });

  it("counts by its last value, also when that is the bad one", async () => {
    expect((await refusal("?o=created&o=foo")).status).toBe(400);
  });
});

describe("all filters together", () => {
  it("are joined by AND: an event that fails any one of them is left out", async () => {
    const { token } = await aPerson({ staff: true });
    const context = { customer_uuid: A, project_uuid: B, user_uuid: A, auth_method: "pat", pat_uuid: B };
    const fitting = { created: at(T), eventType: project, message: "Created", context };
    await recorded(
      anEvent(fitting),
      anEvent({ ...fitting, created: at(T - 1) }),
      anEvent({ ...fitting, created: at(T + 1) }),
      anEvent({ ...fitting, eventType: customer }),
      anEvent({ ...fitting, message: "Deleted" }),
      anEvent({ ...fitting, context: { ...context, customer_uuid: B } }),
      anEvent({ ...fitting, context: { ...context, project_uuid: A } }),
      anEvent({ ...fitting, context: { ...context, user_uuid: B, affected_user_uuid: A } }),
      anEvent({ ...fitting, context: { ...context, auth_method: "token" } }),
      anEvent({ ...fitting, context: { ...context, pat_uuid: A } }),
    );

    const search = query(
      ["created_from", `${T}`],
      ["created_to", `${T + 1}`],
      ["event_type", project],
      ["feature", "projects"],
      ["message", "created"],
      ["customer_uuid", A],
      ["project_uuid", B],
      ["user_uuid", A],
      ["related_user_uuid", A],
      ["auth_method", "pat"],
      ["pat_uuid", B],
    );

    expect(await messages(token, search)).toEqual(["Created"]);
  });
});

describe("a single-valued parameter given several times", () => {
  it.each([
    ["customer_uuid", A, B],
    ["user_uuid", A, B],
    ["project_uuid", A, B],
    ["auth_method", "token", "session"],
    ["message", "first", "second"],
    ["created_from", "0", `${T + 1}`],
  ])("%s: the last one counts", async (parameter, first, last) => {
    const { token } = await aPerson({ staff: true });
    const key = parameter.endsWith("_uuid") || parameter === "auth_method" ? parameter : "none";
    await recorded(
      anEvent({ created: at(T), message: "the first", context: { [key]: first } }),
      anEvent({ created: at(T + 1), message: "the second", context: { [key]: last } }),
    );

    expect(await messages(token, query([parameter, first], [parameter, last]))).toEqual(["the second"]);
  });

  it.each([
    ["customer_uuid", "junk", A],
    ["created_from", "junk", "0"],
    ["created_to", "1e20", `${T}`],
  ])("%s: the others are not checked", async (parameter, bad, good) => {
    const { token } = await aPerson({ staff: true });

    expect(await messages(token, query([parameter, bad], [parameter, good]))).toEqual([]);
    expect((await refusal(query([parameter, good], [parameter, bad]))).status).toBe(400);
  });

  it("an empty last one means no filter", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(anEvent({ message: "any" }));

    expect(await messages(token, `?customer_uuid=${A}&customer_uuid=`)).toEqual(["any"]);
  });
});

describe("errors of filters", () => {
  it("of several bad parameters are all in one body", async () => {
    const search = query(
      ["created_from", "x"],
      ["created_to", "1e51"],
      ["message", "a\0"],
      ["customer_uuid", "x"],
      ["project_uuid", "x"],
      ["user_uuid", "x"],
      ["related_user_uuid", "x"],
      ["auth_method", "a\0b"],
      ["pat_uuid", "a\0b"],
      ["o", "x"],
    );

    expect(await refusal(search)).toEqual({
      status: 400,
      body: {
        created_from: ["Enter a number."],
        created_to: ["Ensure this value is less than or equal to 1e+50."],
        message: ["Null characters are not allowed."],
        customer_uuid: ["Enter a valid UUID."],
        project_uuid: ["Enter a valid UUID."],
        user_uuid: ["Enter a valid UUID."],
        related_user_uuid: ["Enter a valid UUID."],
        auth_method: ["Null characters are not allowed."],
        pat_uuid: ["Null characters are not allowed."],
        o: ["Select a valid choice. x is not one of the available choices."],
      },
    });
  });

  it("name the bad parameters only", async () => {
    expect((await refusal(query(["created_from", "1"], ["user_uuid", "x"], ["o", "created"]))).body).toEqual({
      user_uuid: ["Enter a valid UUID."],
    });
  });

  it.each(["?o=x&page=99", "?customer_uuid=x&page=0", "?created_from=999999999999999&page=abc"])(
    "come before those of the page: %s",
    async (search) => {
      expect((await refusal(search)).status).toBe(400);
    },
  );

  it("come as application/json with Allow", async () => {
    const response = await get("/api/events/?o=x", (await aPerson({ staff: true })).token);

    expect(response.headers.get("Content-Type")).toBe("application/json");
    expect(response.headers.get("Allow")).toBe("GET, HEAD, OPTIONS");
  });

  it("are the same for support and for users who see nothing", async () => {
    for (const user of [{ support: true }, {}]) {
      const response = await get("/api/events/?customer_uuid=x", (await aPerson(user)).token);
      expect(response.status).toBe(400);
      expect(await response.json()).toEqual({ customer_uuid: ["Enter a valid UUID."] });
    }
  });
});
