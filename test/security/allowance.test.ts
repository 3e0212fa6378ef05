import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { Env } from "../../src/env.ts";
import { findProducer, type Producer } from "../../src/ingest/producers/find.ts";
import { spend } from "../../src/ingest/producers/quota.ts";
import { deliver } from "../support/batch.ts";
import { aFailingDatabase, hook, rows } from "../support/ingest.ts";
import { aQueue } from "../support/queue.ts";
import { anEvent, hex, recorded, request } from "../support/world.ts";

const [MINE, THEIRS, MY_PROJECT, THEIR_PROJECT, MACHINE, USER] = ["mine", "theirs", "p1", "p2", "vm", "user"].map(hex);
const INGEST_SECRETS = JSON.stringify({
  typed: { secrets: ["s"], types: ["user_activated", "crm_*"] },
  local: { secrets: ["s"], customers: [MINE] },
  teller: { secrets: ["s"], customers: [MINE], tells_places: true },
});

async function send(producer: string, events: unknown, changed: Partial<Env> = {}) {
  const { queue, bodies, notes } = aQueue();
  const headers = { Authorization: "Bearer s", "Content-Type": "application/json" };
  const init = { method: "POST", headers, body: JSON.stringify(events) };
  const response = await request(`/ingest/${producer}`, init, { INGEST_SECRETS, INGEST_QUEUE: queue, ...changed });
  return { status: response.status, accepted: bodies.length, notes, body: await response.json<object>() };
}

describe("a producer that is limited to types", () => {
  it("never sends others, and is told the rule and the events", async () => {
    const refused = await send("typed", [
      hook({ event_type: "user_activated" }),
      hook({ event_type: "project_creation_succeeded" }),
      hook({ event_type: "crm" }),
      hook({ event_type: "user_activated_twice" }),
    ]);

    expect([refused.status, refused.accepted]).toEqual([403, 0]);
    expect(refused.body).toEqual({
      detail: 'The rule "types" of this producer does not allow 3 of 4 events; none was accepted.',
      rule: "types",
      errors: [1, 2, 3].map((index) => ({
        index,
        field: "event_type",
        message: "Is not among the types that this producer may send.",
      })),
    });
  });

  it("sends its own, by their names or a common beginning", async () => {
    const sent = await send("typed", [hook({ event_type: "user_activated" }), hook({ event_type: "crm_lead_won" })]);

    expect([sent.status, sent.accepted]).toEqual([202, 1]);
  });

  it("is counted when it breaks its rule", async () => {
    const { notes } = await send("typed", hook());
    await deliver(notes);

    expect(await rows("ingest_rejections")).toMatchObject([{ producer: "typed", reason: "not_allowed", requests: 1 }]);
  });
});

describe("a producer that is limited to customers", () => {
  const placed = (project: string | undefined, customer: string | undefined) =>
    anEvent({ eventType: "project_creation_succeeded", context: { project_uuid: project, customer_uuid: customer } });

  it.each<[what: string, type: string, context: Record<string, unknown>]>([
    ["another customer", "customer_update_succeeded", { customer_uuid: THEIRS }],
    ["another customer, by a type that concerns none", "user_activated", { customer_uuid: THEIRS }],
    [
      "another customer, in another form of its UUID",
      "customer_update_succeeded",
      { customer_uuid: THEIRS?.replace(/^(.{8})/, "$1-").toUpperCase() },
    ],
    ["a project of another customer", "project_update_succeeded", { customer_uuid: MINE, project_uuid: THEIR_PROJECT }],
    [
      "a project of which nothing is known",
      "project_update_succeeded",
      { customer_uuid: MINE, project_uuid: hex("p3") },
    ],
    ["a machine of which nothing is known", "resource_stop_succeeded", { customer_uuid: MINE, resource_uuid: MACHINE }],
    [
      "a foreign project in the place of a user",
      "project_update_succeeded",
      { user_uuid: THEIR_PROJECT, project_uuid: THEIR_PROJECT },
    ],
    ["another customer, in the place of a user", "auth_logged_in_with_oauth", { user_uuid: THEIRS }],
    ["a project of another customer, in the place of a user", "auth_logged_out", { user_uuid: THEIR_PROJECT }],
  ])("never adds an event to the feed of %s", async (_what, type, context) => {
    await recorded(placed(MY_PROJECT, MINE), placed(THEIR_PROJECT, THEIRS));
    const refused = await send("local", hook({ event_type: type, context }));

    expect([refused.status, refused.accepted]).toEqual([403, 0]);
    expect(refused.body).toMatchObject({ rule: "customers" });
  });

  it("never takes an object of another customer, though it may tell places", async () => {
    const order = { order_uuid: MACHINE, project_uuid: THEIR_PROJECT, customer_uuid: THEIRS };
    await recorded(placed(THEIR_PROJECT, THEIRS), anEvent({ eventType: "marketplace_order_created", context: order }));
    const context = { customer_uuid: MINE, order_uuid: MACHINE };
    const refused = await send("teller", hook({ event_type: "customer_update_succeeded", context }));

    expect([refused.status, refused.accepted]).toEqual([403, 0]);
    expect(refused.body).toMatchObject({ rule: "customers", errors: [{ index: 0, field: "context" }] });
    const own = hook({ event_type: "customer_update_succeeded", context: { customer_uuid: MINE } });
    expect((await send("teller", own)).status).toBe(202);
  });

  it.each<[what: string, type: string, context: Record<string, unknown>]>([
    ["its customer", "customer_update_succeeded", { customer_uuid: MINE }],
    ["a project of its customer", "project_update_succeeded", { customer_uuid: MINE, project_uuid: MY_PROJECT }],
    ["a user", "user_activated", { user_uuid: USER, affected_user_uuid: USER }],
    ["nobody", "user_activated", {}],
  ])("adds events of %s", async (_what, type, context) => {
    await recorded(placed(MY_PROJECT, MINE));

    expect((await send("local", hook({ event_type: type, context }))).status).toBe(202);
  });

  it("is sent away while the database does not answer: nothing is known then", async () => {
    const { DB } = aFailingDatabase("D1_ERROR: Network connection lost.", 1);
    const context = { customer_uuid: MINE, project_uuid: MY_PROJECT };
    const refused = await send("local", hook({ event_type: "project_update_succeeded", context }), { DB });

    expect([refused.status, refused.accepted]).toEqual([503, 0]);
  });
});

describe("the limits of a producer on its number of events", () => {
  const limited = async (limits: object): Promise<Producer> => {
    const bindings = { ...env, INGEST_SECRETS: JSON.stringify({ limited: { secrets: ["s"], ...limits } }) };
    const producer = await findProducer(bindings, "limited", 0);
    if (producer === undefined) throw new Error("There is no such producer.");
    return producer;
  };
  const counted = (accepted: number) =>
    env.DB.prepare("INSERT OR REPLACE INTO ingest_days (producer, day, accepted) VALUES ('limited', '1970-01-02', ?)")
      .bind(accepted)
      .run();
  const DAY_2 = 86_400_000;
  const status = (spent: Promise<void>) => spent.then(() => 202).catch((error) => error.status);

  it("never let it send more in a minute, and start again with the next", async () => {
    const producer = await limited({ max_rate: 100 });

    expect(await status(spend(env.DB, producer, 60, 0))).toBe(202);
    expect(await status(spend(env.DB, producer, 41, 59_999))).toBe(429);
    expect(await status(spend(env.DB, producer, 40, 59_999))).toBe(202);
    expect(await status(spend(env.DB, producer, 100, 60_000))).toBe(202);
  });

  it("never let it send more in a day, by what the database has counted and what it accepted since", async () => {
    const producer = await limited({ daily_quota: 1_000 });
    await counted(900);

    expect(await status(spend(env.DB, producer, 60, DAY_2))).toBe(202);
    expect(await status(spend(env.DB, producer, 60, DAY_2 + 1))).toBe(429);
    await counted(990);
    expect(await status(spend(env.DB, producer, 20, DAY_2 + 20_000))).toBe(429);
    expect(await status(spend(env.DB, producer, 10, DAY_2 + 20_000))).toBe(202);
    expect(await status(spend(env.DB, producer, 1_000, 2 * DAY_2))).toBe(202);
  });

  it("never let requests at the same moment send more in a day together", async () => {
    const producer = await limited({ daily_quota: 1_000 });
    await counted(0);
    const requests = Array.from({ length: 20 }, () => status(spend(env.DB, producer, 100, DAY_2)));

    expect((await Promise.all(requests)).filter((code) => code === 202)).toHaveLength(10);
    expect(await status(spend(env.DB, producer, 1, DAY_2 + 1))).toBe(429);
  });

  it.each([{ max_rate: 10 }, { daily_quota: 10 }])(
    "never let a request be tried again that is larger than %j",
    async (limits) => {
      const producer = await limited(limits);

      expect(await status(spend(env.DB, producer, 11, DAY_2))).toBe(403);
      expect(await status(spend(env.DB, producer, 10, DAY_2))).toBe(202);
    },
  );

  it("say when it may try again", async () => {
    const producer = await limited({ max_rate: 1 });
    await spend(env.DB, producer, 1, 0);

    await expect(spend(env.DB, producer, 1, 15_000)).rejects.toMatchObject({
      status: 429,
      body: { detail: "This producer may send 1 events a minute. Try again in 45 s." },
      headers: { "Retry-After": "45" },
    });
  });

  it("use the last count while the database does not answer", async () => {
    const producer = await limited({ daily_quota: 1_000 });
    await counted(900);
    await spend(env.DB, producer, 50, DAY_2);
    const { DB } = aFailingDatabase("D1_ERROR: Network connection lost.");

    expect(await status(spend(DB, producer, 60, DAY_2 + 20_000))).toBe(429);
    expect(await status(spend(DB, producer, 50, DAY_2 + 20_000))).toBe(202);
  });
});
