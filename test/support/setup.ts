import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, vi } from "vitest";
import { clearCaches } from "../../src/http/cache.ts";
import { asQueue } from "./queue.ts";
import { emptyStorage } from "./storage.ts";

const sentToRealQueues: string[] = [];

// The local queues deliver a second later, into the tables of another test.
for (const name of ["INGEST_QUEUE", "INGEST_DEAD_LETTERS"] as const) {
  const refuse = async () => {
    sentToRealQueues.push(name);
    throw new Error(`${name} is a real queue; bindings() has one that delivers nothing.`);
  };
  env[name] = asQueue({ send: refuse, sendBatch: refuse, metrics: refuse });
}

/** Every test starts with the real migrations and nothing else. */
beforeEach(async () => {
  clearCaches();
  await emptyStorage();
});

/** No test leaves a stopped clock or a replaced function to the next one. */
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  expect(sentToRealQueues.splice(0)).toEqual([]);
});
