import { describe, expect, it } from "vitest";
import { aPerson } from "../../support/people.ts";
import { anEvent, get, hex, messages, ORIGIN, recorded } from "../../support/world.ts";

const T = 1_760_000_000_000_000;

const aProject = () =>
  anEvent({
    uuid: hex("one"),
    created: T + 123_456,
    eventType: "project_creation_succeeded",
    message: "Project A has been created.",
    context: { project_name: "A", nested: { deep: [1, null, true] } },
  });

describe("the shape of a list", () => {
  it("is a bare compact array of events, their fields in Waldur's order, without id and url", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(aProject());

    const response = await get("/api/events/", token);

    expect(response.status).toBe(200);
    expect(await response.text()).toBe(
      `[{"uuid":"${hex("one")}","created":"2025-10-09T08:53:20.123456Z","event_type":"project_creation_succeeded",` +
        '"message":"Project A has been created.","context":{"project_name":"A","nested":{"deep":[1,null,true]}}}]',
    );
  });

  it("comes as application/json without a charset, allows GET, HEAD and OPTIONS, varies by Accept", async () => {
    const { token } = await aPerson({ staff: true });

    const { headers } = await get("/api/events/", token);

    expect(headers.get("Content-Type")).toBe("application/json");
    expect(headers.get("Allow")).toBe("GET, HEAD, OPTIONS");
    expect(headers.get("Vary")?.split(", ")).toContain("Accept");
    expect(headers.get("Content-Language")).toBe("en");
    expect(headers.has("Set-Cookie")).toBe(false);
  });

  it("may not be kept by a shared cache", async () => {
    const { token } = await aPerson({ staff: true });

    expect((await get("/api/events/", token)).headers.get("Cache-Control")).toContain("private");
  });

  it("is an empty array with the count 0 when there is nothing", async () => {
    const { token } = await aPerson({ staff: true });

    const response = await get("/api/events/", token);

    expect(await response.text()).toBe("[]");
    expect(response.headers.get("X-Result-Count")).toBe("0");
  });
});

describe("the order", () => {
  const world = () =>
    recorded(
      anEvent({ created: T + 1, message: "second, first written" }),
      anEvent({ created: T + 2, message: "third" }),
      anEvent({ created: T, message: "first" }),
      anEvent({ created: T + 1, message: "second, last written" }),
    );
  const newestFirst = ["third", "second, first written", "second, last written", "first"];
  const oldestFirst = ["first", "second, first written", "second, last written", "third"];

  it.each([
    ["newest first by default", "", newestFirst],
    ["newest first for o=-created", "?o=-created", newestFirst],
    ["oldest first for o=created", "?o=created", oldestFirst],
    ["of the first of several by comma", "?o=created,-created", oldestFirst],
    ["of the first of several by comma, the other way round", "?o=-created,created", newestFirst],
    ["of the last o", "?o=-created&o=created", oldestFirst],
    ["of the last o, the others unchecked", "?o=foo&o=created", oldestFirst],
    ["default for an empty o", "?o=", newestFirst],
    ["default for empty parts", "?o=,", newestFirst],
    ["of the first part that is not empty", "?o=,created,", oldestFirst],
  ])("is %s, ties by ascending id", async (_order, search, expected) => {
    const { token } = await aPerson({ staff: true });
    await world();

    expect(await messages(token, search)).toEqual(expected);
  });

  it("does not come apart over pages of one: every tie is shown once", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(...["a", "b", "c", "d"].map((message) => anEvent({ created: T, message })));

    const pages = [];
    for (const page of [1, 2, 3, 4]) pages.push(...(await messages(token, `?page_size=1&page=${page}`)));

    expect(pages).toEqual(["a", "b", "c", "d"]);
  });
});

describe("field", () => {
  it.each([
    ["leaves one field", "?field=message", ["message"]],
    ["leaves several, in our order", "?field=context&field=created&field=uuid", ["uuid", "created", "context"]],
    ["given twice is the same as once", "?field=uuid&field=uuid", ["uuid"]],
    ["may ask for the id", "?field=id&field=uuid", ["id", "uuid"]],
    ["ignores unknown names", "?field=nothing&field=event_type", ["event_type"]],
    ["means all fields when no name is known", "?field=url", ["uuid", "created", "event_type", "message", "context"]],
    ["has no comma form", "?field=uuid,created", ["uuid", "created", "event_type", "message", "context"]],
    ["is not trimmed", "?field=%20uuid", ["uuid", "created", "event_type", "message", "context"]],
    ["means all fields when empty", "?field=", ["uuid", "created", "event_type", "message", "context"]],
    [
      "knows nothing of Object's own names",
      "?field=constructor&field=__proto__",
      ["uuid", "created", "event_type", "message", "context"],
    ],
  ])("%s", async (_what, search, expected) => {
    const { token } = await aPerson({ staff: true });
    await recorded(aProject());

    const [event = {}] = await (await get(`/api/events/${search}`, token)).json<object[]>();

    expect(Object.keys(event)).toEqual(expected);
  });

  it("id is an unknown name to those who see a part of the log", async () => {
    const { token, uuid } = await aPerson();
    await recorded({ ...aProject(), context: JSON.stringify({ user_uuid: uuid }) });
    const related = `related_user_uuid=${uuid}`;

    for (const path of [`/api/events/?${related}`, `/api/events/${hex("one")}/?${related}`])
      for (const [fields, expected] of [
        ["&field=id&field=message", ["message"]],
        ["&field=id", ["uuid", "created", "event_type", "message", "context"]],
      ] as const) {
        const [event] = [await (await get(`${path}${fields}`, token)).json<object | object[]>()].flat();
        expect(Object.keys(event ?? {}), path).toEqual(expected);
      }
  });

  it("id is the integer that retrieve takes, ascending in the order of writing", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(anEvent({ created: T }), anEvent({ created: T }));

    const listed = await (await get("/api/events/?field=id", token)).json<{ id: number }[]>();

    expect(listed).toEqual([{ id: 1 }, { id: 2 }]);
  });
});

describe("who sees what", () => {
  it.each([
    ["staff", { staff: true }],
    ["support", { support: true }],
  ])("%s sees every event", async (_who, user) => {
    const { token } = await aPerson(user);
    await recorded(anEvent({ message: "a" }), anEvent({ message: "b" }));

    expect(await messages(token)).toEqual(["b", "a"]);
  });

  it("others see an empty list: count 0, Link with first and last", async () => {
    const { token } = await aPerson();
    await recorded(anEvent());

    const response = await get("/api/events/", token);

    expect(response.status).toBe(200);
    expect(await response.text()).toBe("[]");
    expect(response.headers.get("X-Result-Count")).toBe("0");
    expect(response.headers.get("Link")).toBe(
      `<${ORIGIN}/api/events/>; rel="first", <${ORIGIN}/api/events/>; rel="last"`,
    );
  });

  it.each([
    ["a bad filter is 400", "?customer_uuid=abc", 400],
    ["a page that is not there is 404", "?page=2", 404],
    ["a page that is there is 200", "?page=last", 200],
  ])("for others, too, %s", async (_what, search, status) => {
    const { token } = await aPerson();
    await recorded(...Array.from({ length: 11 }, () => anEvent()));

    expect((await get(`/api/events/${search}`, token)).status).toBe(status);
  });
});
