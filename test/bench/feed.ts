import { cpSync, rmSync } from "node:fs";
import { type Server, serve } from "./server.ts";
import { INGEST_SECRET, STAFF_TOKEN } from "./settings.ts";

const LIMIT = 1_000;
const PAGE_SIZE = 300;
/** Pages by number, spread over the whole list. */
const PAGES = 20;
/** Events that two waiting readers are timed for. */
const RINGS = 40;
/** Milliseconds until both readers wait, and between two looks at the log of the Worker. */
const SETTLE_MS = 60;
const LOOK_MS = 1;

const HEADERS = { Authorization: `Token ${STAFF_TOKEN}` };

/** What following the log costs, and how fast it is. */
export interface Feed {
  /** Events a second of one reader from the beginning to the end, and rows read for each. */
  catchUpPerSecond: number;
  rowsPerEvent: number;
  /** Events a second of one reader who asks for pages by number. */
  byNumberPerSecond: number;
  /** Rows read by a look at the end. */
  idleRows: number;
  /** Milliseconds from the consumer's line about a commit until a reader has the event. */
  longPoll: Latency;
  sse: Latency;
}

export interface Latency {
  p50: number;
  p99: number;
}

/** Measures on a copy of the loaded database, which stays as it is. */
export async function playFeed(state: string, events: number): Promise<Feed> {
  const copy = `${state}.feed`;
  rmSync(copy, { recursive: true, force: true });
  cpSync(state, copy, { recursive: true });
  const server = await serve(copy);
  try {
    const caughtUp = await catchUp(server);
    if (caughtUp.events < events) throw new Error(`The feed has ${caughtUp.events} of ${events} events.`);
    const byNumberPerSecond = await byNumber(server, events);
    const idle = await ask(server, "HEAD", "offset=now");
    const latencies = await latenciesOf(server);
    return {
      ...{ catchUpPerSecond: caughtUp.events / caughtUp.seconds, rowsPerEvent: caughtUp.rows / caughtUp.events },
      ...{ byNumberPerSecond, idleRows: rowsOf(idle) },
      ...latencies,
    };
  } finally {
    await server.mf.dispose();
    rmSync(copy, { recursive: true, force: true });
  }
}

const rowsOf = ({ headers }: Response): number =>
  Number(/rows_read;desc="(\d+)"/.exec(headers.get("Server-Timing") ?? "")?.[1]);

async function ask({ url }: Server, method: string, query: string): Promise<Response> {
  const response = await fetch(`${url}/api/events/feed/?${query}`, { method, headers: HEADERS });
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  return response;
}

async function catchUp(server: Server): Promise<{ events: number; rows: number; seconds: number }> {
  const started = performance.now();
  const sum = { events: 0, rows: 0 };
  for (let offset = "-1", isLast = false; !isLast; ) {
    const response = await ask(server, "GET", `limit=${LIMIT}&offset=${offset}`);
    sum.events += ((await response.json()) as unknown[]).length;
    sum.rows += rowsOf(response);
    offset = response.headers.get("Stream-Next-Offset") ?? "";
    isLast = response.headers.has("Stream-Up-To-Date");
  }
  return { ...sum, seconds: (performance.now() - started) / 1000 };
}

async function byNumber({ url }: Server, events: number): Promise<number> {
  const last = Math.floor(events / PAGE_SIZE);
  const started = performance.now();
  for (let page = 0; page < PAGES; page++) {
    const number = 1 + Math.floor((page * last) / PAGES);
    const list = `${url}/api/events/?o=created&page_size=${PAGE_SIZE}&page=${number}`;
    const response = await fetch(list, { headers: HEADERS });
    if (((await response.json()) as unknown[]).length !== PAGE_SIZE) throw new Error(`Page ${number} is not full.`);
  }
  return (PAGES * PAGE_SIZE) / ((performance.now() - started) / 1000);
}

/** One event after the other, which both readers wait for. */
async function latenciesOf(server: Server): Promise<Pick<Feed, "longPoll" | "sse">> {
  const times = { longPoll: [] as number[], sse: [] as number[] };
  for (let ring = 0; ring < RINGS; ring++) {
    const now = await ask(server, "HEAD", "");
    const place = `offset=${now.headers.get("Stream-Next-Offset")}`;
    const polled = ask(server, "GET", `${place}&live=long-poll`).then(() => performance.now());
    const streamed = firstData(await ask(server, "GET", `${place}&live=sse`));
    await pause(SETTLE_MS);
    server.takeLog();
    await send(server, ring);
    const committed = await commitSeen(server);
    times.longPoll.push(Math.max(0, (await polled) - committed));
    times.sse.push(Math.max(0, (await streamed) - committed));
  }
  return { longPoll: latencyOf(times.longPoll), sse: latencyOf(times.sse) };
}

/** When a stream has its first messages. */
async function firstData(response: Response): Promise<number> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ""; !text.includes("event: data"); ) {
    const chunk = await reader?.read();
    if (chunk === undefined || chunk.done) throw new Error("The stream has ended without an event.");
    text += chunk.value;
  }
  const at = performance.now();
  await reader?.cancel();
  return at;
}

async function send({ url }: Server, ring: number): Promise<void> {
  const headers = { Authorization: `Bearer ${INGEST_SECRET}`, "Content-Type": "application/json" };
  const body = JSON.stringify({ event_type: "user_activated", message: `Ring ${ring}` });
  const response = await fetch(`${url}/ingest/bench`, { method: "POST", body, headers });
  if (response.status !== 202) throw new Error(`${response.status}: ${await response.text()}`);
}

/** The consumer writes its line when the transaction is done. */
async function commitSeen(server: Server): Promise<number> {
  for (;;) {
    if (server.takeLog().some(({ event }) => event === "batch_written")) return performance.now();
    await pause(LOOK_MS);
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function latencyOf(times: readonly number[]): Latency {
  const sorted = [...times].sort((a, b) => a - b);
  const quantile = (part: number) => sorted[Math.floor(part * (sorted.length - 1))] ?? 0;
  return { p50: quantile(0.5), p99: quantile(0.99) };
}
