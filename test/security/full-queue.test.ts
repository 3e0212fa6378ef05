import { describe, expect, it } from "vitest";
import { checkBacklog, MODEST_REQUESTS } from "../../src/ingest/backlog.ts";
import { aQueue } from "../support/queue.ts";

const LIMIT = 1_000;
const honest = { name: "honest", maxBacklog: undefined };
const stranger = { name: "stranger", maxBacklog: undefined };

/** How many of a producer's requests in one minute are let in, at this backlog. */
async function letIn(backlog: number, producer: { name: string; maxBacklog: number | undefined }, requests: number) {
  const { queue } = aQueue({ backlog });
  const outcomes = [];
  for (let sent = 0; sent < requests; sent++) {
    outcomes.push(
      await checkBacklog(queue, producer, LIMIT, sent).then(
        () => 1,
        () => 0,
      ),
    );
  }
  return outcomes.reduce<number>((sum, one) => sum + one, 0);
}

describe("a producer that fills the queue", () => {
  it("never closes it for others: a producer that sends little is let in", async () => {
    expect(await letIn(LIMIT + 1, stranger, 10 * MODEST_REQUESTS)).toBe(MODEST_REQUESTS);
    expect(await letIn(LIMIT + 1, honest, MODEST_REQUESTS)).toBe(MODEST_REQUESTS);
  });

  it("never makes it grow beyond twice the limit", async () => {
    expect(await letIn(2 * LIMIT + 1, honest, 1)).toBe(0);
  });

  it("never passes a limit of its own", async () => {
    expect(await letIn(LIMIT, { name: "limited", maxBacklog: LIMIT - 1 }, 1)).toBe(0);
    expect(await letIn(LIMIT - 1, { name: "limited", maxBacklog: LIMIT - 1 }, 1)).toBe(1);
  });
});
