import { cpSync, rmSync } from "node:fs";
import { batches, deliver, sampleLines } from "./load.ts";
import { MONTH } from "./month.ts";
import { type Server, serve } from "./server.ts";
import { INGEST_SECRET, STAFF_TOKEN } from "./settings.ts";

/** Consumer batches played for each size. */
const BATCHES: readonly [size: number, count: number][] = [
  [1, 200],
  [10, 100],
  [50, 40],
  [100, 30],
];
/** Events sent through webhook and queue to measure the way as a whole. */
const INGESTED = 50_000;
const SENDERS = 8;

export interface Writes {
  rowsWrittenPerEvent: Record<string, number>;
  ingestEventsPerSecond: number;
}

/** Measures writing on a copy of the loaded database, which stays as it is. */
export async function playWrites(state: string, events: number, seed: number): Promise<Writes> {
  const copy = `${state}.copy`;
  rmSync(copy, { recursive: true, force: true });
  cpSync(state, copy, { recursive: true });
  const server = await serve(copy);
  try {
    const lines = sampleLines(Math.max(events, 10 * INGESTED), seed + 1);
    const perEvent: Record<string, number> = {};
    const iterator = lines[Symbol.asyncIterator]();
    for (const [size, count] of BATCHES) perEvent[`batch_${size}`] = await rowsPerEvent(server, iterator, size, count);
    return { rowsWrittenPerEvent: perEvent, ingestEventsPerSecond: await ingest(server, iterator) };
  } finally {
    await server.mf.dispose();
    rmSync(copy, { recursive: true, force: true });
  }
}

async function take(lines: AsyncIterator<string>, count: number): Promise<string[]> {
  const taken: string[] = [];
  while (taken.length < count) {
    const { value, done } = await lines.next();
    if (done) throw new Error("The generator made too few events.");
    taken.push(value);
  }
  return taken;
}

/** Rows written for each event in consumer batches of so many messages of one event, as the consumer logs them. */
async function rowsPerEvent(
  server: Server,
  lines: AsyncIterator<string>,
  size: number,
  count: number,
): Promise<number> {
  const worker = await server.mf.getWorker("ours");
  server.takeLog();
  for (let batch = 0; batch < count; batch++) await deliver(worker, await take(lines, size), 1);
  const written = server.takeLog().filter(({ event }) => event === "batch_written");
  const sum = (name: string) => written.reduce((total, line) => total + Number(line[name]), 0);
  if (sum("stored") !== size * count) throw new Error(`${sum("stored")} events written instead of ${size * count}.`);
  return sum("rowsWritten") / sum("stored");
}

/** Events a second from the first webhook request, 50 events in each, until the last event is readable. */
async function ingest(server: Server, lines: AsyncIterator<string>): Promise<number> {
  const count = async () => {
    const headers = { Authorization: `Token ${STAFF_TOKEN}` };
    const response = await fetch(`${server.url}/api/events/count/`, { headers });
    return ((await response.json()) as { count: number }).count;
  };
  const bodies: string[] = [];
  for (const group of await collected(await take(lines, INGESTED))) bodies.push(`[${group.map(asHook).join(",")}]`);
  const before = await count();
  const started = performance.now();
  const send = async () => {
    for (let body = bodies.pop(); body !== undefined; body = bodies.pop()) {
      const headers = { Authorization: `Bearer ${INGEST_SECRET}`, "Content-Type": "application/json" };
      const response = await fetch(`${server.url}/ingest/bench`, { method: "POST", body, headers });
      if (response.status !== 202) throw new Error(`${response.status}: ${await response.text()}`);
      await response.arrayBuffer();
    }
  };
  await Promise.all(Array.from({ length: SENDERS }, send));
  while ((await count()) < before + INGESTED) await new Promise((resolve) => setTimeout(resolve, 50));
  return INGESTED / ((performance.now() - started) / 1000);
}

/** What Waldur's web hook posts has no uuid. */
function asHook(line: string): string {
  const { uuid: _, ...event } = JSON.parse(line);
  return JSON.stringify(event);
}

async function collected(lines: string[]): Promise<string[][]> {
  const groups: string[][] = [];
  const source = (async function* () {
    yield* lines;
  })();
  for await (const group of batches(source, MONTH.perRequest)) groups.push(group);
  return groups;
}
