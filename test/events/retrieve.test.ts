import { describe, expect, it } from "vitest";
import { aPerson } from "../support/people.ts";
import { anEvent, get, recorded } from "../support/world.ts";

const UUID = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";

const theEvent = () =>
  anEvent({
    uuid: UUID,
    created: 1_760_000_000_000_000,
    eventType: "project_creation_succeeded",
    message: "Project A has been created.",
    context: { project_name: "A" },
  });

describe("one event", () => {
  it.each([
    ["its integer id", "2"],
    ["its id with leading zeros", "002"],
    ["its uuid", UUID],
    ["its uuid with dashes", "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"],
    ["its uuid in capitals", UUID.toUpperCase()],
  ])("is found by %s, printed as in the list", async (_key, key) => {
    const { token } = await aPerson({ staff: true });
    await recorded(anEvent(), theEvent(), anEvent());

    const response = await get(`/api/events/${key}/`, token);

    expect(response.status).toBe(200);
    expect(response.headers.get("Content-Type")).toBe("application/json");
    expect(await response.text()).toBe(
      `{"uuid":"${UUID}","created":"2025-10-09T08:53:20Z","event_type":"project_creation_succeeded",` +
        '"message":"Project A has been created.","context":{"project_name":"A"}}',
    );
  });

  it.each([
    ["?field=message&field=uuid", ["uuid", "message"]],
    ["?field=id", ["id"]],
    ["?field=nothing", ["uuid", "created", "event_type", "message", "context"]],
  ])("shows the fields that %s asks for", async (search, expected) => {
    const { token } = await aPerson({ staff: true });
    await recorded(theEvent());

    expect(Object.keys(await (await get(`/api/events/1/${search}`, token)).json<object>())).toEqual(expected);
  });

  it.each(["?page=99", "?page=abc", "?page_size=0", "?unknown=1"])("ignores %s", async (search) => {
    const { token } = await aPerson({ staff: true });
    await recorded(theEvent());

    expect((await get(`/api/events/1/${search}`, token)).status).toBe(200);
  });

  it("is seen by support", async () => {
    const { token } = await aPerson({ support: true });
    await recorded(theEvent());

    expect((await get("/api/events/1/", token)).status).toBe(200);
  });

  it("has no paging headers", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(theEvent());

    const { status, headers } = await get("/api/events/1/", token);

    expect([status, headers.has("Link"), headers.has("X-Result-Count")]).toEqual([200, false, false]);
  });
});

describe("filters of the list hold for one event, too", () => {
  it.each([
    "?event_type=project_creation_succeeded",
    "?feature=projects",
    "?message=PROJECT",
    "?created_from=1760000000&created_to=1760000001",
    "?o=created",
    "?customer_uuid=",
  ])("%s lets it through", async (search) => {
    const { token } = await aPerson({ staff: true });
    await recorded(theEvent());

    expect((await get(`/api/events/${UUID}/${search}`, token)).status).toBe(200);
  });

  it.each([
    "?event_type=customer_creation_succeeded",
    "?event_type=",
    "?feature=customers",
    "?message=nowhere",
    "?created_from=1760000001",
    "?created_to=1760000000",
    `?customer_uuid=${UUID}`,
    `?related_user_uuid=${UUID}`,
    "?auth_method=token",
    "?event_type=customer_creation_succeeded&event_type=unknown",
  ])("%s leaves it out: 404", async (search) => {
    const { token } = await aPerson({ staff: true });
    await recorded(theEvent());

    for (const key of ["1", UUID]) {
      expect((await get(`/api/events/${key}/`, token)).status).toBe(200);
      const response = await get(`/api/events/${key}/${search}`, token);
      expect(response.status).toBe(404);
      expect(await response.json()).toEqual({ detail: "No Event matches the given query." });
    }
  });

  it.each([
    ["?customer_uuid=abc", { customer_uuid: ["Enter a valid UUID."] }],
    ["?o=foo", { o: ["Select a valid choice. foo is not one of the available choices."] }],
    ["?created_to=999999999999999", ['Value "999999999999999" should be valid UNIX timestamp.']],
  ])("%s is 400", async (search, body) => {
    const { token } = await aPerson({ staff: true });
    await recorded(theEvent());

    const response = await get(`/api/events/1/${search}`, token);

    expect(response.status).toBe(400);
    expect(await response.json()).toEqual(body);
  });
});

describe("one event is 404", () => {
  it("where there is no such event", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(theEvent());
    const nobodys = [
      "2",
      "0",
      "-1",
      "9007199254740993",
      "9223372036854775808",
      "9".repeat(30),
      "9".repeat(400),
      UUID.replace("0", "1"),
      "00000000-0000-0000-0000-000000000000",
    ];

    for (const key of nobodys) {
      const response = await get(`/api/events/${key}/`, token);
      expect(response.status, key).toBe(404);
      expect(await response.text(), key).toBe('{"detail":"No Event matches the given query."}');
    }
  });

  it("for what is neither an integer nor a UUID", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(theEvent());
    const junk = ["abc", "1.0", "1e0", "0x1", "1a", `${UUID}0`, UUID.slice(1).replace("1", "g"), "%20", "events"];

    for (const key of junk) {
      const response = await get(`/api/events/${key}/`, token);
      expect(response.status, key).toBe(404);
      expect(await response.text(), key).toBe('{"detail":"Not found."}');
    }
  });

  it("for a user who is neither staff nor support", async () => {
    const [{ token }, staff] = [await aPerson(), await aPerson({ staff: true })];
    await recorded(theEvent());

    for (const key of ["1", UUID]) {
      expect((await get(`/api/events/${key}/`, staff.token)).status).toBe(200);
      const response = await get(`/api/events/${key}/`, token);
      expect(response.status).toBe(404);
      expect(await response.json()).toEqual({ detail: "No Event matches the given query." });
    }
  });
});
