import { Agent, get } from "node:http";
import type { Server } from "./server.ts";
import { STAFF_TOKEN } from "./settings.ts";

const CONNECTIONS = 16;
const ROUND_MS = 3_000;
const ROUNDS = 4;

export interface Speed {
  ours: number;
  bare: number;
  /** The bare Worker reading through a D1 session, as ours does; locally a session costs much, deployed it does not. */
  bareSession: number;
}

/** Requests a second for page 1 of the whole list: ours, and the bare Worker, in turns. The best round of each counts. */
export async function playSpeed(server: Server): Promise<Speed> {
  const best: Speed = { ours: 0, bare: 0, bareSession: 0 };
  const targets: [keyof Speed, string][] = [
    ["ours", `${server.url}/api/events/`],
    ["bare", `${server.bareUrl}/`],
    ["bareSession", `${server.bareUrl}/session`],
  ];
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, url] of targets) best[name] = Math.max(best[name], await requestsPerSecond(url));
  }
  return best;
}

async function requestsPerSecond(url: string): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const started = performance.now();
  let done = 0;
  const worker = async () => {
    while (performance.now() - started < ROUND_MS) {
      await request(url, agent);
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
  const seconds = (performance.now() - started) / 1000;
  agent.destroy();
  return done / seconds;
}

function request(url: string, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    get(url, { agent, headers: { Authorization: `Token ${STAFF_TOKEN}` } }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`${response.statusCode} from ${url}`));
      response.resume().on("end", resolve);
    }).on("error", reject);
  });
}
