import { mkdtempSync, rmSync } from "node:fs";
import { Agent, get, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { freePort } from "../end-to-end/local-server.ts";
import { deliver, prepareDatabase } from "./load.ts";
import { type Server, serve } from "./server.ts";
import { CACHE, STAFF_TOKEN } from "./settings.ts";

const EVENTS = 300;
/** Of each event, nearly as many as it may have. */
const EVENT_BYTES = 65_000;
const AT_ONCE = 4;
const BURSTS = 4;
const SAMPLE_MS = 10;

/**
 * The bytes above idle that the Worker's isolate holds at most while four clients read the largest
 * pages there are at once. Cloudflare gives an isolate 128 MB; the local D1 is another isolate and not counted.
 */
export async function measureMemory(): Promise<number> {
  const state = mkdtempSync(join(CACHE, "pages-"));
  try {
    await fill(state);
    const inspectorPort = await freePort();
    const server = await serve(state, { inspectorPort });
    try {
      return await playBursts(server, await isolateOf(inspectorPort));
    } finally {
      await server.mf.dispose();
    }
  } finally {
    rmSync(state, { recursive: true, force: true });
  }
}

async function fill(state: string): Promise<void> {
  const server = await serve(state);
  await prepareDatabase(server);
  const context = { text: "x".repeat(EVENT_BYTES) };
  const lines = Array.from({ length: EVENTS }, (_, second) =>
    JSON.stringify({
      created: new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString(),
      event_type: "user_activated",
      message: `Event ${second}`,
      context,
    }),
  );
  const worker = await server.mf.getWorker("ours");
  for (let done = 0; done < EVENTS; done += 10) await deliver(worker, lines.slice(done, done + 10));
  await server.mf.dispose();
}

async function playBursts({ url }: Server, heapBytes: () => Promise<number>): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  await read(`${url}/api/events/?page_size=1`, agent);
  const idle = await heapBytes();
  let peak = idle;
  for (let burst = 0; burst < BURSTS; burst++) {
    let reading = true;
    const pages = Promise.all(
      Array.from({ length: AT_ONCE }, () => read(`${url}/api/events/?page_size=${EVENTS}`, agent)),
    ).finally(() => {
      reading = false;
    });
    while (reading) {
      peak = Math.max(peak, await heapBytes());
      await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS));
    }
    await pages;
  }
  agent.destroy();
  return peak - idle;
}

async function read(url: string, agent: Agent): Promise<void> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(url, { agent, headers: { Authorization: `Token ${STAFF_TOKEN}` } }, resolve).on("error", reject);
  });
  if (response.statusCode !== 200) throw new Error(`${response.statusCode} from ${url}`);
  let bytes = 0;
  for await (const chunk of response) bytes += chunk.length;
  if (bytes !== Number(response.headers["content-length"])) throw new Error(`${bytes} bytes from ${url}`);
}

/** Asks for the size of the Worker's heap, with its buffers and without garbage, over the DevTools protocol. */
async function isolateOf(inspectorPort: number): Promise<() => Promise<number>> {
  const targets = (await (await fetch(`http://127.0.0.1:${inspectorPort}/json`)).json()) as {
    webSocketDebuggerUrl: string;
  }[];
  const target = targets.find(({ webSocketDebuggerUrl }) => webSocketDebuggerUrl.endsWith(":ours"));
  if (target === undefined) throw new Error("The Worker has no inspector.");
  const socket = new WebSocket(target.webSocketDebuggerUrl);
  const answers = new Map<number, (result: HeapUsage) => void>();
  socket.addEventListener("message", ({ data }) => {
    const { id, result } = JSON.parse(String(data));
    answers.get(id)?.(result);
    answers.delete(id);
  });
  await new Promise((resolve) => socket.addEventListener("open", resolve, { once: true }));
  let asked = 0;
  const ask = (method: string) =>
    new Promise<HeapUsage>((resolve) => {
      asked += 1;
      answers.set(asked, resolve);
      socket.send(JSON.stringify({ id: asked, method }));
    });
  await ask("HeapProfiler.enable");
  return async () => {
    // workerd does it when the isolate runs next, and never answers.
    void ask("HeapProfiler.collectGarbage");
    const { usedSize, backingStorageSize } = await ask("Runtime.getHeapUsage");
    return usedSize + backingStorageSize;
  };
}

/** In bytes. */
interface HeapUsage {
  usedSize: number;
  backingStorageSize: number;
}
