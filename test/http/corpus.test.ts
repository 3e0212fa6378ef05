import { expect, it, vi } from "vitest";
import { aPerson } from "../support/people.ts";
import { anEvent, get, hex, messages, recorded, request } from "../support/world.ts";
import { AUTHORIZATIONS, PARAMETERS, PATHS, VALUES } from "./corpus.ts";

/** Characters. */
const MAX_TITLE = 60;

/** What a body never holds: traces, SQL, names of our files, tables and libraries. */
const INTERNAL =
  /\bat \w+ \(|\.ts:|D1_ERROR|SQLITE|drizzle|valibot|node_modules|event_scopes|user_uuid = |SELECT .* FROM \w+ WHERE/;

/** 2xx to 4xx, JSON, and nothing internal. */
async function isHarmless(response: Response, what: string): Promise<number> {
  const body = await response.text();
  expect(response.status, what).toBeLessThan(500);
  if (![301, 304].includes(response.status)) {
    expect(response.headers.get("Content-Type"), what).toBe("application/json");
    expect(() => JSON.parse(body), `${what}: ${body}`).not.toThrow();
  }
  // What was sent may be echoed, so only what is beyond it is looked at.
  if (!/SELECT|ts:/.test(what)) expect(body, what).not.toMatch(INTERNAL);
  expect(response.headers.has("Set-Cookie"), what).toBe(false);
  return response.status;
}

/** An event of a customer, and two who may see it: the customer's owner, and staff. */
async function world() {
  const owner = await aPerson({ roles: [{ scope: hex("C") }] });
  const staff = await aPerson({ staff: true });
  const context = { customer_uuid: hex("C"), user_uuid: owner.uuid };
  await recorded(anEvent({ message: "Renamed", eventType: "customer_update_succeeded", context }));
  return { owner: owner.token, staff: staff.token };
}

/** The event is still there, and so are those who may see it. */
async function expectUnharmed({ owner, staff }: Awaited<ReturnType<typeof world>>): Promise<void> {
  expect(await messages(staff)).toEqual(["Renamed"]);
  expect(await messages(owner, `?scope=/api/customers/${hex("C")}/`)).toEqual(["Renamed"]);
}

/** A text and what stands for it in a title. */
const titled = (text: string): [title: string, text: string] => [
  text.length <= MAX_TITLE ? text : `${text.slice(0, MAX_TITLE)}… (${text.length} characters)`,
  text,
];

it("no value of any parameter does harm", async () => {
  const error = vi.spyOn(console, "error");
  const people = await world();
  const statuses: number[] = [];

  for (const token of [people.owner, people.staff]) {
    for (const value of VALUES) {
      // All parameters in turn, and each value in several of them.
      for (let shift = 0; shift < PARAMETERS.length; shift += 3) {
        const name = PARAMETERS[(VALUES.indexOf(value) + shift) % PARAMETERS.length];
        const search = `?${name}=${value}`;
        statuses.push(await isHarmless(await get(`/api/events/${search}`, token), search));
      }
    }
  }

  expect(statuses.length).toBeGreaterThan(1_000);
  expect(new Set(statuses)).toEqual(new Set([200, 400, 404]));
  expect(error).not.toHaveBeenCalled();
  await expectUnharmed(people);
});

it.each<[where: string, path: (value: string) => string, statuses: number[]]>([
  ["count, as the scope,", (value) => `count/?scope=${value}`, [400]],
  ["retrieve, as the text,", (value) => `1/?message=${value}`, [200, 400, 404]],
  ["retrieve, as the id,", (value) => `${value.replaceAll("/", "%2F")}/`, [200, 404]],
  ["the list, repeated,", (value) => `?o=${value}&o=${value}&scope=${value}&scope=x`, [400]],
])("no value in %s does harm", async (_where, path, statuses) => {
  const people = await world();
  const seen = new Set<number>();

  for (const value of VALUES) {
    for (const token of [people.owner, people.staff])
      seen.add(await isHarmless(await get(`/api/events/${path(value)}`, token), path(value)));
  }

  expect([...seen].sort()).toEqual(statuses);
  await expectUnharmed(people);
});

it.each(AUTHORIZATIONS.map(titled))("the header Authorization: %j is 401", async (_title, Authorization) => {
  for (const [method, path] of [
    ["GET", "/api/events/"],
    ["POST", "/ingest/waldur"],
  ] as const) {
    const response = await request(path, { method, headers: { Authorization } });
    expect(await isHarmless(response, Authorization)).toBe(401);
  }
});

it.each(PATHS.map(titled))("the path %j does no harm", async (_title, path) => {
  const people = await world();

  for (const token of [people.owner, people.staff]) {
    for (const method of ["GET", "POST", "OPTIONS"]) await isHarmless(await get(path, token, { method }), path);
  }
  await expectUnharmed(people);
});

it.each([
  ["an impersonated user", "X-Impersonated-User-Uuid", [200]],
  ["a request id", "X-Request-Id", [200]],
  ["an accepted type", "Accept", [406]],
  ["a tag", "If-None-Match", [200, 304]],
  ["an address", "CF-Connecting-IP", [200]],
])("no value does harm as %s", async (_what, name, statuses) => {
  const people = await world();
  const ADDRESS_RATE: RateLimit = { limit: async () => ({ success: true }) };
  const seen = new Set<number>();
  const values = VALUES.map(decoded).filter((value) => /^[\x20-\x7e]*$/.test(value));

  for (const value of values) {
    const response = await get("/api/events/", people.staff, { headers: { [name]: value } }, { ADDRESS_RATE });
    seen.add(await isHarmless(response, value));
  }

  expect([...seen].sort()).toEqual(statuses);
  await expectUnharmed(people);
});

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

it("a thousand event types may be asked for at once", async () => {
  const { staff } = await world();
  const types = Array.from({ length: 1_000 }, (_, index) => `event_type=type_${index}`).join("&");

  expect(await messages(staff, `?${types}&event_type=customer_update_succeeded`)).toEqual(["Renamed"]);
});

it("a value that is too long, and parameters that are too many, are refused by name", async () => {
  const { staff } = await world();
  const answer = async (search: string) => {
    const response = await get(`/api/events/?${search}`, staff);
    return [response.status, await response.json()];
  };

  expect(await answer(`message=${"a".repeat(2_001)}`)).toEqual([
    400,
    { message: ["Ensure this value has at most 2000 characters (it has 2001)."] },
  ]);
  expect(await answer("event_type=x&".repeat(2_001))).toEqual([
    400,
    { event_type: ["At most 2000 values may be given."] },
  ]);
  expect(await answer("a=1&b=1&c=1&".repeat(1_700))).toEqual([400, ["At most 5000 parameters may be given."]]);
});
