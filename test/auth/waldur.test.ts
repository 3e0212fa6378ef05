import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Env } from "../../src/env.ts";
import { later, stopClock } from "../support/clock.ts";
import { type Behaviour, permission, StandInWaldur } from "../support/waldur.ts";
import { anEvent, hex, query, recorded, request } from "../support/world.ts";

const SECOND_MS = 1_000;
const [C, P, ME, FRIEND, STRANGER] = ["customer", "project", "me", "friend", "stranger"].map(hex) as [
  string,
  string,
  string,
  string,
  string,
];
const customer = query(["scope", `/api/customers/${C}/`]);
const project = query(["scope", `/api/projects/${P}/`]);

let waldur: StandInWaldur;

beforeEach(async () => {
  waldur = new StandInWaldur();
  await recorded(
    anEvent({ eventType: "customer_update_succeeded", context: { customer_uuid: C } }),
    anEvent({ eventType: "project_update_succeeded", context: { customer_uuid: C, project_uuid: P } }),
    anEvent({ eventType: "auth_logged_out", context: { user_uuid: FRIEND } }),
    anEvent({ eventType: "auth_logged_out", context: { user_uuid: STRANGER } }),
  );
  stopClock("2026-05-01T00:00:00Z");
  vi.spyOn(console, "warn").mockImplementation(() => {});
});

const asked = (search = "", Authorization = "Token key", bindings: Partial<Env> = {}) =>
  request(`/api/events/${search}`, { headers: { Authorization } }, { ...waldur.bindings, ...bindings });

/** Replaces waiting: as soon as so many callers wait, the time of all has passed. */
function passDeadlines(waiting: number) {
  const { promise, resolve } = Promise.withResolvers<void>();
  let waited = 0;
  return vi.spyOn(scheduler, "wait").mockImplementation(() => {
    waited += 1;
    if (waited === waiting) resolve();
    return promise;
  });
}

/** The number of events, or the status and the body of the error. */
async function answer(response: Response) {
  const body = await response.json<unknown[]>();
  return response.status === 200 ? body.length : [response.status, body];
}

const INVALID = [401, { detail: "Invalid token." }];

describe("a token is shown to Waldur, which tells", () => {
  it.each([{ is_staff: true }, { is_support: true }])("%o: everything is seen", async (who) => {
    waldur.users.set("Token key", { uuid: ME, ...who });

    expect(await answer(await asked())).toBe(4);
    expect(waldur.calls).toEqual([{ url: "https://waldur.example.com/api/users/me/", authorization: "Token key" }]);
  });

  it.each([
    { is_staff: true, path: "customers" },
    { is_support: true, path: "customers" },
    { is_staff: true, path: "marketplace-resources" },
    { is_support: true, path: "users" },
  ])("%o: an object that no event has named has an empty list, as it may exist", async ({ path, ...who }) => {
    waldur.users.set("Token key", { uuid: ME, ...who });

    const response = await asked(query(["scope", `/api/${path}/${hex("new")}/`]));

    expect([response.status, await response.json()]).toEqual([200, []]);
    expect(response.headers.get("X-Result-Count")).toBe("0");
  });

  it("an owner: the customer and what is below it", async () => {
    waldur.users.set("Token key", { uuid: ME, permissions: [permission("customer", C)] });

    expect(await answer(await asked(customer))).toBe(2);
    expect(await answer(await asked(project))).toBe(1);
    expect(await answer(await asked())).toBe(0);
  });

  it("a member: the project, and nothing of its customer, which the permission names", async () => {
    waldur.users.set("Token key", { uuid: ME, permissions: [permission("project", P, { customer_uuid: C })] });

    expect(await answer(await asked(project))).toBe(1);
    expect(await answer(await asked(customer))).toBe(0);
  });

  it("roles that ended, by their time or by a word: nothing is there", async () => {
    const ended = [
      permission("customer", C, { expiration_time: "2026-04-30T23:59:59.999999Z" }),
      permission("project", P, { is_active: false }),
    ];
    waldur.users.set("Token key", { uuid: ME, permissions: ended });

    expect((await asked(customer)).status).toBe(400);
    expect((await asked(project)).status).toBe(400);
  });

  it("a role that ends while it is cached: nothing is there from then on", async () => {
    const ending = permission("customer", C, { expiration_time: "2026-05-01T00:00:30+00:00" });
    waldur.users.set("Token key", { uuid: ME, permissions: [ending] });
    expect(await answer(await asked(customer))).toBe(2);
    later(30 * SECOND_MS);

    expect((await asked(customer)).status).toBe(400);
    expect(waldur.calls).toHaveLength(1);
  });

  it("an inactive user: 401", async () => {
    waldur.users.set("Token key", { uuid: ME, is_active: false });

    expect(await answer(await asked())).toEqual([401, { detail: "User inactive or deleted." }]);
  });

  it("nobody: 401", async () => {
    expect(await answer(await asked())).toEqual(INVALID);
  });

  it("which users may be seen", async () => {
    waldur.users.set("Token key", { uuid: ME, sees: [FRIEND] });
    const user = (uuid: string) => asked(query(["scope", `/api/users/${uuid}/`]));

    expect(await answer(await user(FRIEND))).toBe(1);
    // Waldur hides this user; that an event has named them must not show.
    expect((await user(STRANGER)).status).toBe(400);
    expect(await answer(await user(ME))).toBe(0);
    expect((await user(hex("nobody"))).status).toBe(400);
    await user(FRIEND);
    expect(waldur.calls.filter(({ url }) => url.includes(FRIEND))).toHaveLength(1);
  });
});

it.each([
  ["Token key", "Token key"],
  ["token  key", "Token key"],
  ["key", "Token key"],
  ["Bearer Token key", "Token key"],
  ["Bearer w_1_key", "Bearer w_1_key"],
])("%j reaches Waldur as %j", async (sent, received) => {
  waldur.users.set(received, { uuid: ME, is_staff: true });

  expect((await asked("", sent)).status).toBe(200);
  expect(waldur.calls[0]?.authorization).toBe(received);
});

it.each(["https://waldur.example.com/", "https://waldur.example.com/waldur"])(
  "WALDUR_URL may be %s",
  async (WALDUR_URL) => {
    await asked("", "Token key", { WALDUR_URL });

    expect(waldur.calls[0]?.url).toBe(`${WALDUR_URL.replace(/\/$/, "")}/api/users/me/`);
  },
);

it("without WALDUR_URL, or with an unknown AUTH, every request is 500", async () => {
  vi.spyOn(console, "error").mockImplementation(() => {});

  expect((await asked("", "Token key", { WALDUR_URL: "" })).status).toBe(500);
  expect((await asked("", "Token key", { AUTH: "nobody" })).status).toBe(500);
});

it("what is no token is refused without asking Waldur", async () => {
  expect((await asked("", "Basic eDp5")).status).toBe(401);
  expect((await asked("", "Token a b")).status).toBe(401);
  expect(waldur.calls).toEqual([]);
});

it("tokens and roles of our own database count for nothing", async () => {
  await env.DB.prepare("INSERT INTO users (uuid, username, is_staff) VALUES (?, 'x', 1)").bind(ME).run();
  waldur.users.set("Token key", { uuid: ME });

  expect(await answer(await asked())).toBe(0);
});

describe("an answer is believed", () => {
  it("for a minute; a token that was revoked is refused then", async () => {
    waldur.users.set("Token key", { uuid: ME, is_staff: true });
    await asked();
    waldur.users.clear();

    later(59 * SECOND_MS);
    expect(await answer(await asked())).toBe(4);
    later(SECOND_MS);
    expect(await answer(await asked())).toEqual(INVALID);
    expect(waldur.calls).toHaveLength(2);
  });

  it("for ten seconds when it is a refusal", async () => {
    await asked();
    waldur.users.set("Token key", { uuid: ME, is_staff: true });

    later(9 * SECOND_MS);
    expect(await answer(await asked())).toEqual(INVALID);
    later(SECOND_MS);
    expect(await answer(await asked())).toBe(4);
  });

  it("of one token for that token only", async () => {
    waldur.users.set("Token key", { uuid: ME, is_staff: true });
    await asked();

    expect(await answer(await asked("", "Token other"))).toEqual(INVALID);
  });

  it("by all who ask at once: one call", async () => {
    waldur.users.set("Token key", { uuid: ME, is_staff: true });

    const answers = await Promise.all(Array.from({ length: 20 }, async () => answer(await asked())));

    expect(answers).toEqual(Array(20).fill(4));
    expect(waldur.calls).toHaveLength(1);
  });
});

describe.each<[what: string, behaviour: Behaviour]>([
  ["answers 500", "fails"],
  ["is down", "down"],
  ["answers with HTML", "babbles"],
  ["redirects", "redirects"],
])("when Waldur %s", (_what, behaviour) => {
  it("nobody it does not know gets in: 503, to be tried again", async () => {
    waldur.behaviour = behaviour;

    const response = await asked();

    expect(response.status).toBe(503);
    expect(response.headers.get("Retry-After")).toBe("5");
    expect(await response.text()).not.toContain("key");
  });

  it("its last good answer is used for ten minutes, and the next request makes no call", async () => {
    waldur.users.set("Token key", { uuid: ME, is_staff: true });
    await asked();
    waldur.behaviour = behaviour;

    later(60 * SECOND_MS);
    expect(await answer(await asked())).toBe(4);
    expect(await answer(await asked())).toBe(4);
    expect(waldur.calls).toHaveLength(2);
    later(539 * SECOND_MS);
    expect(await answer(await asked())).toBe(4);
    later(SECOND_MS);
    expect((await asked()).status).toBe(503);
  });
});

it("a Waldur that hangs is waited for two seconds, once for all who ask", async () => {
  waldur.users.set("Token key", { uuid: ME, is_staff: true });
  await asked();
  waldur.behaviour = "hangs";
  later(60 * SECOND_MS);
  const deadlines = passDeadlines(4);

  const responses = await Promise.all([asked(), asked(), asked("", "Token other"), asked("", "Token other")]);

  expect(responses.map(({ status }) => status)).toEqual([200, 200, 503, 503]);
  expect(waldur.calls).toHaveLength(3);
  expect(deadlines.mock.calls).toEqual(Array(4).fill([2 * SECOND_MS]));
});

describe("while Waldur is down", () => {
  it("nobody gets in on an old answer where that is forbidden", async () => {
    waldur.users.set("Token key", { uuid: ME, is_staff: true });
    await asked();
    waldur.behaviour = "down";
    later(60 * SECOND_MS);

    expect((await asked("", "Token key", { WALDUR_STALE: "off" })).status).toBe(503);
  });

  it("a token that it refused before is not let in", async () => {
    await asked();
    waldur.behaviour = "down";
    later(10 * SECOND_MS);

    expect((await asked()).status).toBe(503);
  });

  it("a token that it refuses as soon as it is back is not let in, nor when it is down again", async () => {
    waldur.users.set("Token key", { uuid: ME, is_staff: true });
    await asked();
    waldur.behaviour = "down";
    later(60 * SECOND_MS);
    await asked();
    waldur.behaviour = "answers";
    waldur.users.clear();
    later(5 * SECOND_MS);

    expect(await answer(await asked())).toEqual(INVALID);
    waldur.behaviour = "down";
    later(10 * SECOND_MS);
    expect((await asked()).status).toBe(503);
  });

  it("the log tells the reason and no token", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    waldur.behaviour = "down";

    await asked();

    const lines = warn.mock.calls.map(([line]) => String(line));
    expect(lines).toEqual([expect.stringContaining('"event":"waldur_unreachable"')]);
    expect(lines.join()).not.toContain("key");
  });
});
