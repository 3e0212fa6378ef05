import { createExecutionContext, createScheduledController, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { Env } from "../../src/env.ts";
import { DEAD_LETTER_QUEUE_NAME, INGEST_QUEUE_NAME } from "../../src/ingest/queue/names.ts";
import { withJournal } from "../../src/local/journal.ts";
import worker from "../../src/worker.ts";
import { aBatch } from "../support/batch.ts";
import { aFailingDatabase, hook, push, rows } from "../support/ingest.ts";
import { aQueue, aRefusingQueue, asQueue } from "../support/queue.ts";
import { bindings, ORIGIN } from "../support/world.ts";

const kept = async () => (await env.SPILL.list({ prefix: "journal/" })).objects.map(({ key }) => key);

/** A process of the local server: its queues die with it, its database and its bucket do not. */
function aProcess(changed: Partial<Env> = {}) {
  const events = aQueue();
  const dead = aQueue();
  const local = withJournal(worker);
  const given = bindings({ INGEST_QUEUE: events.queue, INGEST_DEAD_LETTERS: dead.queue, ...changed });
  const consume = async (queue: string, bodies: readonly string[], attempts = 1, changedNow: Partial<Env> = {}) => {
    const messages = bodies.map((body) => ({ body, attempts }));
    const { batch, outcomes } = aBatch(queue, messages);
    await local.queue(batch, { ...given, ...changedNow }, createExecutionContext());
    return outcomes;
  };
  return {
    events: events.bodies,
    notes: events.notes,
    send: async (...sent: unknown[]) => {
      const ctx = createExecutionContext();
      const headers = { Authorization: "Bearer waldur-secret", "Content-Type": "application/json" };
      const request = new Request(`${ORIGIN}/ingest/waldur`, { method: "POST", headers, body: JSON.stringify(sent) });
      const response = await local.fetch(request as Parameters<typeof local.fetch>[0], given, ctx);
      await waitOnExecutionContext(ctx);
      return response.status;
    },
    consume: (attempts?: number, changedNow?: Partial<Env>) =>
      consume(INGEST_QUEUE_NAME, events.bodies.splice(0), attempts, changedNow),
    consumeDead: (bodies: readonly string[] = [...dead.notes.splice(0), ...dead.bodies.splice(0)]) =>
      consume(DEAD_LETTER_QUEUE_NAME, bodies),
    cron: async () =>
      local.scheduled(createScheduledController({ cron: "* * * * *" }), given, createExecutionContext()),
  };
}

const AWAY = "D1_ERROR: Network connection lost.";
const REFUSED = "D1_ERROR: CHECK constraint failed: SQLITE_CONSTRAINT";
const failing = (error: string) => ({ DB: aFailingDatabase(error).DB });

describe("the journal of the local queues", () => {
  it("gives metrics that count what is being delivered, waits for a retry, or is left of an earlier process", async () => {
    const seen: unknown[] = [];
    const watching = withJournal({
      ...worker,
      queue: async ({ metadata, messages }) => {
        seen.push(metadata.metrics.oldestMessageTimestamp);
        for (const message of messages) message.ack();
      },
    });
    await aProcess().send(hook());
    const [left] = (await env.SPILL.list({ prefix: "journal/" })).objects;
    const message = { body: "later", timestamp: new Date(Date.now() + 60_000) };
    await watching.queue(aBatch(INGEST_QUEUE_NAME, [message]).batch, bindings(), createExecutionContext());
    await watching.queue(aBatch(DEAD_LETTER_QUEUE_NAME, [message]).batch, bindings(), createExecutionContext());
    expect(seen).toEqual([left?.uploaded, message.timestamp]);
  });

  it("has a message before the queue has it, and until its events are stored", async () => {
    const seen: string[][] = [];
    const { queue } = aQueue();
    const sendBatch: Queue<string>["sendBatch"] = async (messages) => {
      seen.push(await kept());
      return queue.sendBatch(messages);
    };
    expect(await aProcess({ INGEST_QUEUE: asQueue({ ...queue, sendBatch }) }).send(hook())).toBe(202);
    expect(seen).toEqual([[expect.stringMatching(/^journal\/edge-events-ingest\/[\da-f]{64}$/)]]);
    expect(await kept()).toEqual(seen[0]);

    const next = aProcess();
    await next.cron();
    expect(await next.consume()).toEqual(["acked"]);
    expect([await kept(), (await rows("events")).length]).toEqual([[], 1]);
  });

  it("gives the next process what the last one had not stored, once", async () => {
    await aProcess().send(hook(), hook({ message: "b" }));
    const next = aProcess();
    await next.send(hook({ message: "c" }));
    await next.cron();
    await next.cron();
    expect(next.events).toHaveLength(2);
    await next.consume();
    expect((await rows("events")).length).toBe(3);
  });

  it("keeps a message that is to be delivered again", async () => {
    const process = aProcess();
    await process.send(hook());
    expect(await process.consume(1, failing(AWAY))).toEqual([{ retriedAfter: expect.any(Number) }]);
    expect(await kept()).toHaveLength(1);
  });

  it("may give a message again that was stored: its event is stored and counted once", async () => {
    const process = aProcess();
    await process.send(hook());
    const [body = ""] = process.events;
    await process.consume();
    await env.SPILL.put(`journal/${INGEST_QUEUE_NAME}/as-it-was-before-the-crash`, body);
    const next = aProcess();
    await next.cron();
    await next.consume();
    expect(await rows("events")).toHaveLength(1);
    expect(await rows("ingest_days")).toEqual([
      expect.objectContaining({ accepted: 1, stored: 1, duplicates: 0, dead: 0 }),
    ]);
  });

  it("has a dead letter until it is kept, and not its message any more", async () => {
    const process = aProcess();
    await process.send(hook());
    expect(await process.consume(5, failing(REFUSED))).toEqual(["acked"]);
    expect(await kept()).toEqual([expect.stringMatching(/^journal\/edge-events-dead-letters\//)]);

    const next = aProcess();
    await next.cron();
    expect([next.events, await kept()]).toEqual([[], [expect.any(String)]]);
    expect(await next.consumeDead()).toEqual(["acked"]);
    expect([await kept(), (await rows("dead_letters")).length]).toEqual([[], 1]);
  });

  it("forgets a message that the platform has moved to the dead letters", async () => {
    const process = aProcess();
    await process.send(hook());
    const bodies = process.events.splice(0);
    expect(await process.consumeDead(bodies)).toEqual(["acked"]);
    expect(await kept()).toEqual([]);
  });

  it("forgets what the queue refuses, as its request may be refused, too", async () => {
    const refusing = aProcess({ INGEST_QUEUE: aRefusingQueue() });
    expect(await refusing.send(hook())).toBe(202);
    expect(await kept()).toEqual([]);
    expect((await env.SPILL.list({ prefix: "spill/" })).objects).toHaveLength(1);
  });

  it("does not keep counts of refused requests, which would be added twice", async () => {
    const process = aProcess();
    expect(await process.send({ event_type: 5 })).toBe(400);
    expect([process.notes.length, await kept()]).toEqual([1, []]);
  });

  it("is not in the deployed Worker, which writes nothing to R2 for an event", async () => {
    const { queue, bodies } = aQueue();
    expect((await push(hook(), { queue })).status).toBe(202);
    expect([bodies.length, await kept()]).toEqual([1, []]);
  });
});
