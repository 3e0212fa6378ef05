import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { MAX_MESSAGE_BYTES } from "../../src/ingest/queue/message.ts";
import { deliver } from "../support/batch.ts";
import { aFailingDatabase, hook, push, queued, rows } from "../support/ingest.ts";
import { aPerson } from "../support/people.ts";
import { aQueue } from "../support/queue.ts";
import { get } from "../support/world.ts";

const RETRIED = { retriedAfter: expect.any(Number) };

describe("an event", () => {
  it("delivered twice, and sent twice, is one row", async () => {
    const bodies = await queued(hook());
    await deliver([...bodies, ...bodies]);
    await deliver(bodies);
    await deliver(await queued(hook(), hook()));
    expect(await rows("events")).toHaveLength(1);
    expect(await rows("event_scopes")).toHaveLength(2);
  });

  it("without a uuid is the same whoever sends it and however its JSON is written", async () => {
    const one = await queued({ ...hook(), context: { b: 1, a: { d: 2.5, c: [1] } } });
    const other = await queued(
      JSON.parse(
        '{"event_type":"project_creation_succeeded","created":"2026-03-01T14:00:00.000001+02:00","context":{"a":{"c":[1],"d":2.50},"b":1},"message":"Project Õun has been created."}',
      ),
    );
    await deliver([...one, ...other]);
    expect(await rows("events")).toHaveLength(1);
  });

  it("that differs only in a digit beyond a double's precision is another event", async () => {
    const { queue, bodies } = aQueue();
    for (const number of ["12345678901234567890", "12345678901234567891"]) {
      await push(JSON.stringify(hook({ context: { n: 0 } })).replace('"n":0', `"n":${number}`), { queue });
    }
    await deliver(bodies);
    expect(await rows("events")).toHaveLength(2);
  });

  it("sent again under its uuid with other content keeps what was first written, scopes included", async () => {
    const uuid = "0b5c1a4e-0000-4000-8000-00000000000a";
    const first = await queued(hook({ uuid, context: { customer_uuid: "a".repeat(32) } }));
    const again = await queued(hook({ uuid, context: { customer_uuid: "b".repeat(32) } }));
    const other = await queued(hook({ uuid: "1".repeat(32), context: {} }));
    const otherAgain = await queued(hook({ uuid: "1".repeat(32) }));
    await deliver(first);
    await deliver(again);
    await deliver([...again, ...other, ...otherAgain]);
    const scopes = await rows("event_scopes");
    expect(scopes.map(({ scope }) => scope)).toEqual(["a".repeat(32)]);
    expect(await rows("events")).toHaveLength(2);
  });

  it("gets a higher id than all before it, even after the newest was deleted, which takes a number, too", async () => {
    await deliver(await queued(hook({ message: "first" }), hook({ message: "second" })));
    await env.DB.exec("DELETE FROM events WHERE id = 2");
    await deliver(await queued(hook({ message: "third" })));
    expect((await rows("events")).map(({ id }) => id)).toEqual([1, 4]);
  });

  it("is written with its scopes: the series of its type, and the keys the filters look at", async () => {
    const context = {
      scope_uuid: "5".repeat(32),
      customer_uuid: "C".repeat(32).toLowerCase(),
      user_uuid: "7".repeat(32),
      affected_user_uuid: "7".repeat(32),
      project_uuid: "not a uuid",
    };
    await deliver(await queued(hook({ event_type: "role_granted", context })));
    const scopes = (await rows("event_scopes")).map(({ scope, roles }) => [scope, roles]);
    expect(scopes).toEqual([
      ["5".repeat(32), 1],
      ["7".repeat(32), 8 + 16],
      ["c".repeat(32), 1 + 2],
    ]);
  });
});

describe("a queue batch", () => {
  it("with an unreadable message writes all the others and retries that one", async () => {
    const good = await queued(hook());
    const bad = ["", "{}", 5, null, '{"v":9}', '{"v":1,"producer":"x","received_at":1}\n[1]\n{}'];
    expect(await deliver([...bad, ...good])).toEqual([...bad.map(() => RETRIED), "acked"]);
    expect(await rows("events")).toHaveLength(1);
  });

  it("with a message the database refuses writes all the others and retries that one", async () => {
    await env.DB.exec(
      "CREATE TRIGGER poison BEFORE INSERT ON events WHEN NEW.message = 'poison' BEGIN SELECT RAISE(ABORT, 'no'); END",
    );
    const bodies = await Promise.all(["a", "poison", "b", "c"].map((message) => queued(hook({ message }))));
    expect(await deliver(bodies.flat())).toEqual(["acked", RETRIED, "acked", "acked"]);
    expect((await rows("events")).map(({ message }) => message)).toEqual(["a", "b", "c"]);
  });

  it("is retried whole, without halving it, while the database is away", async () => {
    const { DB, calls } = aFailingDatabase("D1_ERROR: Network connection lost.");
    const bodies = [...(await queued(hook())), ...(await queued(hook({ message: "b" })))];
    expect(await deliver(bodies, { DB })).toEqual([RETRIED, RETRIED]);
    expect(calls()).toBe(1);
  });

  it("of more text than one parameter holds is still written", async () => {
    const events = Array.from({ length: 15 }, (_, index) => hook({ message: `${index} ${"õ".repeat(31_000)}` }));
    const bodies = await queued(...events);
    expect(bodies.length).toBeGreaterThan(5);
    for (const body of bodies) expect(new TextEncoder().encode(body).length).toBeLessThanOrEqual(MAX_MESSAGE_BYTES);
    await deliver(bodies);
    expect(await rows("events")).toHaveLength(15);
  });
});

it("a thousand events in one request are all readable", async () => {
  const { token } = await aPerson({ staff: true });
  const bodies = await queued(...Array.from({ length: 1000 }, (_, index) => hook({ message: `Event ${index}` })));
  await deliver(bodies);
  expect(await (await get("/api/events/count/", token)).json()).toEqual({ count: 1000 });
});
