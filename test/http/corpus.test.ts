import { expect, it, vi } from "vitest";
import { aPerson } from "../support/people.ts";
import { anEvent, get, hex, recorded, request } from "../support/world.ts";
import { AUTHORIZATIONS, PARAMETERS, PATHS, VALUES } from "./corpus.ts";

/** Far more than it takes, for a busy machine. */
const TIMEOUT_MS = 120_000;

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

async function world() {
  const owner = await aPerson({ roles: [{ scope: hex("C") }] });
  const staff = await aPerson({ staff: true });
  await recorded(
    anEvent({ eventType: "customer_update_succeeded", context: { customer_uuid: hex("C"), user_uuid: owner.uuid } }),
  );
  return [owner.token, staff.token];
}

it(
  "no value of any parameter does harm",
  async () => {
    const error = vi.spyOn(console, "error");
    const statuses: number[] = [];

    for (const token of await world()) {
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
  },
  TIMEOUT_MS,
);

it(
  "no value does harm in count, in retrieve, and repeated",
  async () => {
    const [token = ""] = await world();

    for (const value of VALUES) {
      for (const path of [
        `count/?scope=${value}`,
        `1/?message=${value}`,
        `?o=${value}&o=${value}&scope=${value}&scope=x`,
      ]) {
        await isHarmless(await get(`/api/events/${path}`, token), path);
      }
      await isHarmless(await get(`/api/events/${value.replaceAll("/", "%2F")}/`, token), value);
    }
  },
  TIMEOUT_MS,
);

it.each(AUTHORIZATIONS)("the header Authorization: %j is 401", async (Authorization) => {
  for (const path of ["/api/events/", "/ingest/waldur"]) {
    const response = await request(path, {
      method: path === "/api/events/" ? "GET" : "POST",
      headers: { Authorization },
    });
    expect(await isHarmless(response, Authorization)).toBe(401);
  }
});

it.each(PATHS)("the path %j does no harm", async (path) => {
  const [owner = "", staff = ""] = await world();

  for (const token of [owner, staff]) {
    for (const method of ["GET", "POST", "OPTIONS"]) await isHarmless(await get(path, token, { method }), path);
  }
});

it.each([
  ["an impersonated user", "X-Impersonated-User-Uuid"],
  ["a request id", "X-Request-Id"],
  ["an accepted type", "Accept"],
  ["a tag", "If-None-Match"],
  ["an address", "CF-Connecting-IP"],
])(
  "no value does harm as %s",
  async (_what, name) => {
    const [, staff = ""] = await world();
    const values = VALUES.flatMap((value) => {
      const plain = decoded(value);
      return /^[\x20-\x7e]*$/.test(plain) ? [plain] : [];
    });

    for (const value of values)
      await isHarmless(await get("/api/events/", staff, { headers: { [name]: value } }), value);
  },
  TIMEOUT_MS,
);

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

it("a thousand event types are no mischief", async () => {
  const [, staff = ""] = await world();
  const types = Array.from({ length: 1_000 }, (_, index) => `event_type=type_${index}`).join("&");

  expect((await get(`/api/events/?${types}&event_type=customer_update_succeeded`, staff)).status).toBe(200);
});

it("what is too much is told by name", async () => {
  const [, staff = ""] = await world();
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
