import { describe, expect, it } from "vitest";
import { aPerson } from "../support/people.ts";
import { anEvent, get, recorded } from "../support/world.ts";

const CUSTOMER = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";
const USER = "ffffffffffffffffffffffffffffffff";

const world = () =>
  recorded(
    anEvent({
      created: 1_760_000_000_000_000,
      eventType: "project_creation_succeeded",
      context: { customer_uuid: CUSTOMER },
    }),
    anEvent({ created: 1_760_000_001_000_000, eventType: "project_creation_succeeded", message: "Õun" }),
    anEvent({ created: 1_760_000_002_000_000, eventType: "customer_creation_succeeded", context: { user_uuid: USER } }),
  );

describe("count", () => {
  it("is a compact object with the number, told in X-Result-Count as well", async () => {
    const { token } = await aPerson({ staff: true });
    await world();

    const response = await get("/api/events/count/", token);

    expect(response.status).toBe(200);
    expect(response.headers.get("Content-Type")).toBe("application/json");
    expect(response.headers.get("X-Result-Count")).toBe("3");
    expect(await response.text()).toBe('{"count":3}');
  });

  it("is 0 when there is nothing", async () => {
    const { token } = await aPerson({ staff: true });

    const response = await get("/api/events/count/", token);

    expect(response.headers.get("X-Result-Count")).toBe("0");
    expect(await response.text()).toBe('{"count":0}');
  });

  it.each([
    ["?event_type=project_creation_succeeded", 2],
    ["?event_type=project_creation_succeeded&event_type=customer_creation_succeeded", 3],
    ["?event_type=", 0],
    ["?feature=customers", 1],
    ["?message=õUN", 1],
    [`?customer_uuid=${CUSTOMER}`, 1],
    [`?project_uuid=${CUSTOMER}`, 0],
    [`?user_uuid=${USER}`, 1],
    [`?related_user_uuid=${USER}`, 1],
    ["?created_from=1760000001", 2],
    ["?created_to=1760000002", 2],
    ["?auth_method=token", 0],
    ["?o=created", 3],
    ["?page=99", 3],
    ["?page=abc", 3],
    ["?page_size=1", 3],
    ["?field=uuid", 3],
    ["?unknown=1", 3],
  ])("%s is %i", async (search, count) => {
    const { token } = await aPerson({ staff: true });
    await world();

    const response = await get(`/api/events/count/${search}`, token);

    expect(await response.json()).toEqual({ count });
    expect(response.headers.get("X-Result-Count")).toBe(String(count));
  });

  it.each([
    ["?o=foo", { o: ["Select a valid choice. foo is not one of the available choices."] }],
    ["?user_uuid=x&created_to=x", { created_to: ["Enter a number."], user_uuid: ["Enter a valid UUID."] }],
    ["?created_from=999999999999999", ['Value "999999999999999" should be valid UNIX timestamp.']],
  ])("%s is 400", async (search, body) => {
    const { token } = await aPerson({ staff: true });

    const response = await get(`/api/events/count/${search}`, token);

    expect(response.status).toBe(400);
    expect(await response.json()).toEqual(body);
  });

  it.each([
    ["all for staff", { staff: true }, 3],
    ["all for support", { support: true }, 3],
    ["0 for others", {}, 0],
  ])("is %s", async (_who, user, count) => {
    const { token } = await aPerson(user);
    await world();

    expect(await (await get("/api/events/count/", token)).json()).toEqual({ count });
  });
});
