import { Agent, get } from "node:http";
import type { Census } from "./load.ts";
import type { Server } from "./server.ts";
import { STAFF_TOKEN } from "./settings.ts";

const CONNECTIONS = 16;
const ROUND_MS = 3_000;
const ROUNDS = 4;
const PATH_MS = 2_000;
const DAY = 86_400;
const HEADERS = { Authorization: `Token ${STAFF_TOKEN}` };

export interface Speed {
  ours: number;
  bare: number;
  /** The bare Worker reading through a D1 session, as ours does; locally a session costs much, deployed it does not. */
  bareSession: number;
  /** The same for other requests, by name. */
  paths: Record<string, Pace>;
}

/** How fast requests of one kind are answered. */
export interface Pace {
  perSecond: number;
  /** Milliseconds that half of the requests, and 99 %, do not exceed. */
  p50: number;
  p99: number;
}

/** Requests a second for page 1 of the whole list: ours, and the bare Worker, in turns. The best round of each counts. */
export async function playSpeed(server: Server, census: Census): Promise<Speed> {
  const best = { ours: 0, bare: 0, bareSession: 0 };
  const targets: [keyof typeof best, string][] = [
    ["ours", `${server.url}/api/events/`],
    ["bare", `${server.bareUrl}/`],
    ["bareSession", `${server.bareUrl}/session`],
  ];
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, url] of targets) best[name] = Math.max(best[name], (await paceOf([url], ROUND_MS)).perSecond);
  }
  const paths: Record<string, Pace> = {};
  for (const [name, urls] of Object.entries(await pathsOf(server.url, census))) {
    await paceOf(urls, PATH_MS / 4);
    paths[name] = await paceOf(urls, PATH_MS);
  }
  return { ...best, paths };
}

/** The URLs of each kind of request, which are asked in turns. */
async function pathsOf(url: string, { customers, types }: Census): Promise<Record<string, string[]>> {
  const events = `${url}/api/events/`;
  const response = await fetch(`${events}?page=20&page_size=50`, { headers: HEADERS });
  const some = (await response.json()) as { uuid: string; created: string }[];
  const days = some.map(({ created }) => Math.floor(Date.parse(created) / 1000 / DAY) * DAY);
  const rare = types.slice(-10).map(([name]) => name);
  return {
    "page 1 of 10": [events],
    "page 1 of 100": [`${events}?page_size=100`],
    "by uuid": some.map(({ uuid }) => `${events}${uuid}/`),
    count: [`${events}count/`],
    "one customer": customers.slice(0, 50).map(([uuid]) => `${events}?customer_uuid=${uuid}`),
    "one day": days.map((day) => `${events}?created_from=${day}&created_to=${day + DAY}`),
    "a group of types": ["users", "projects", "invoices"].map((feature) => `${events}?feature=${feature}`),
    "a rare type": rare.map((name) => `${events}?event_type=${name}`),
    "a rare word": ["grafana-19", "Źródlany", "runner-48"].map(
      (word) => `${events}?message=${encodeURIComponent(word)}`,
    ),
    "a common word": ["resource", "volume"].map((word) => `${events}?message=${word}`),
    "page 1,000 by number": [`${events}?page=1000`],
  };
}

/** Asks for the URLs in turns, over several connections, for so many milliseconds. */
async function paceOf(urls: readonly string[], milliseconds: number): Promise<Pace> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const started = performance.now();
  const times: number[] = [];
  let asked = 0;
  const client = async () => {
    while (performance.now() - started < milliseconds) {
      const from = performance.now();
      await request(urls[asked++ % urls.length] ?? "", agent);
      times.push(performance.now() - from);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, client));
  const seconds = (performance.now() - started) / 1000;
  agent.destroy();
  times.sort((a, b) => a - b);
  const quantile = (part: number) => times[Math.floor(part * (times.length - 1))] ?? 0;
  return { perSecond: times.length / seconds, p50: quantile(0.5), p99: quantile(0.99) };
}

function request(url: string, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    get(url, { agent, headers: HEADERS }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`${response.statusCode} from ${url}`));
      response.resume().on("end", resolve);
    }).on("error", reject);
  });
}
