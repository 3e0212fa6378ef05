import type { Random } from "../support/random.ts";
import type { Census } from "./load.ts";

/** One line of the reference month: what is asked, and how often. */
export interface Line {
  name: string;
  share: number;
  /** Requests of one round; later ones may depend on the answers to earlier ones. */
  round: (play: Play, random: Random) => Promise<void>;
}

/** Sends one request; its rows are charged to the line. */
export type Play = (path: string, init?: { method?: string; headers?: Record<string, string> }) => Promise<Response>;

const FEATURES = ["resources", "users", "projects", "invoices", "support"];
const TEXTS = [
  "grafana-19",
  "Źródlany",
  "signed in",
  "us",
  "Õun",
  "runner-48",
  "Disaster recovery",
  "resource",
  "ка",
  "volume",
];
const DAY = 86_400;

/** The objects a dashboard would show: the busiest ones. */
const busiest = (list: readonly [string, number][], most = 60): string[] => list.slice(0, most).map(([uuid]) => uuid);

/** The lines of the reference month, for events as the census tells them. */
export function workload(census: Census): Line[] {
  const lines = filterLines(census);
  const pages = Math.ceil(census.events / 10);
  return [
    ...lines,
    { name: "crawl by next", share: 0.05, round: crawl(Math.ceil(census.events / 100)) },
    {
      name: "integer deep page",
      share: 0.05,
      round: async (play, random) => {
        await play(`?page=${random.pick([Math.round(pages / 20), Math.round(pages / 2), pages, "last"])}`);
      },
    },
    {
      name: "count and HEAD",
      share: 0.1,
      round: async (play, random) => {
        const method = random.pick(["count", "HEAD"]);
        const asCount: Play = (path, init) =>
          method === "HEAD" ? play(path, { ...init, method }) : play(`count/${path}`, init);
        await weighted(lines, random).round(asCount, random);
      },
    },
    {
      name: "retrieve",
      share: 0.05,
      round: async (play, random) => {
        const response = await play(`${1 + random.int(census.events)}/`);
        const { uuid } = (await response.json()) as { uuid: string };
        await play(`${uuid}/`);
      },
    },
  ];
}

function filterLines(census: Census): Line[] {
  const customers = busiest(census.customers);
  const objects: [string, string[]][] = [
    ["customer_uuid", customers],
    ["project_uuid", busiest(census.projects)],
    ["user_uuid", busiest(census.users)],
  ];
  const middle = census.types.length >> 1;
  const types = [census.types.slice(0, 3), census.types.slice(middle, middle + 3), census.types.slice(-3)]
    .flat()
    .map(([type]) => type);
  const [first, last] = [Date.UTC(2025, 1, 1) / 1000, Date.UTC(2026, 6, 30) / 1000];
  return [
    { name: "poll of an object", share: 0.25, round: poll(objects) },
    { name: "unfiltered first page", share: 0.1, round: async (play) => void (await play("")) },
    {
      name: "customer and feature",
      share: 0.15,
      round: async (play, random) =>
        void (await play(`?customer_uuid=${random.pick(customers)}&feature=${random.pick(FEATURES)}`)),
    },
    {
      name: "feature or type",
      share: 0.1,
      round: async (play, random) =>
        void (await play(
          random.next() < 0.5 ? `?feature=${random.pick(FEATURES)}` : `?event_type=${random.pick(types)}`,
        )),
    },
    {
      name: "day or month",
      share: 0.1,
      round: async (play, random) => {
        const from = Math.floor(first + random.next() * (last - first));
        const customer = random.next() < 0.5 ? `&customer_uuid=${random.pick(customers)}` : "";
        await play(`?created_from=${from}&created_to=${from + random.pick([DAY, 30 * DAY])}${customer}`);
      },
    },
    {
      name: "message search",
      share: 0.05,
      round: async (play, random) => {
        const customer = random.next() < 0.5 ? `&customer_uuid=${random.pick(customers)}` : "";
        await play(`?message=${encodeURIComponent(random.pick(TEXTS))}${customer}`);
      },
    },
  ];
}

/** Of five polls two find something new and three do not: those ask with the ETag they have. */
function poll(objects: [string, string[]][]): Line["round"] {
  return async (play, random) => {
    const [parameter, uuids] = random.pick(objects);
    const path = `?${parameter}=${random.pick(uuids)}&page_size=10`;
    await play(path);
    const etag = (await play(path)).headers.get("ETag") ?? "";
    for (let again = 0; again < 3; again++) {
      const response = await play(path, { headers: { "If-None-Match": etag } });
      if (response.status !== 304) throw new Error(`${path} is not 304 but ${response.status}`);
    }
  };
}

/** A few pages each near the first, in the middle and before the last. */
function crawl(pages: number): Line["round"] {
  return async (play, random) => {
    const start = random.pick([1, Math.round(pages / 2), Math.max(1, pages - 6)]);
    let next: string | undefined = `?page_size=100&page=${start}`;
    // The integer page that begins it is another line's.
    let response = await play(`${next}#uncharged`);
    for (let hop = 0; hop < 5; hop++) {
      next = /\/api\/events\/([^>]*)>; rel="next"/.exec(response.headers.get("Link") ?? "")?.[1];
      if (next === undefined) return;
      response = await play(next);
    }
  };
}

/** A line, as often as its share says. */
function weighted(lines: readonly Line[], random: Random): Line {
  let left = random.next() * lines.reduce((sum, { share }) => sum + share, 0);
  for (const line of lines) {
    left -= line.share;
    if (left < 0) return line;
  }
  return lines[0] as Line;
}
