import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { MAX_TEXT_IN_TRANSACTION } from "../../src/ingest/transactions.ts";
import { deliver } from "../support/batch.ts";
import { hook, queued, rows } from "../support/ingest.ts";

const LENGTH = 60_000;

/** The database, with the characters of messages that each batch has written. */
function aWatchedDatabase() {
  const written: number[] = [];
  const stored = () => env.DB.prepare("SELECT total(length(message)) AS n FROM events").first<number>("n");
  const batch: D1Database["batch"] = async <T>(statements: D1PreparedStatement[]) => {
    const before = (await stored()) ?? 0;
    const results = await env.DB.batch<T>(statements);
    written.push(((await stored()) ?? 0) - before);
    return results;
  };
  const prepare: D1Database["prepare"] = (text) => env.DB.prepare(text);
  return { DB: { ...env.DB, prepare, batch } as D1Database, written };
}

it("a producer that sends the longest texts never makes one transaction too large for the events beside its own", async () => {
  const long = (index: number) => hook({ message: `${index}`.padEnd(LENGTH, "x") });
  const requests = [Array.from({ length: 8 }, (_, index) => long(index)), [hook()], [long(8), long(9)]];
  const bodies = (await Promise.all(requests.map((events) => queued(...events)))).flat();
  const { DB, written } = aWatchedDatabase();
  const outcomes = await deliver(bodies, { DB });

  expect(outcomes).toEqual(bodies.map(() => "acked"));
  expect(await rows("events")).toHaveLength(11);
  expect(Math.max(...written)).toBeLessThanOrEqual(MAX_TEXT_IN_TRANSACTION);
});
