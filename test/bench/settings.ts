import { resolve } from "node:path";
import { parseArgs } from "node:util";

/** What `npm run bench -- …` asks for. */
export interface Settings {
  events: number;
  seed: number;
  /** Only the lines of the workload, or the parts, whose name has this in it. */
  only: string;
}

const { values } = parseArgs({
  options: {
    events: { type: "string", default: "1000000" },
    seed: { type: "string", default: "7" },
    only: { type: "string", default: "" },
  },
});

export const settings: Settings = { events: Number(values.events), seed: Number(values.seed), only: values.only };

export const ROOT = resolve(import.meta.dirname, "../..");

/** Loaded databases, by number of events and schema; and what is built. Git-ignored, may be deleted at any time. */
export const CACHE = resolve(ROOT, ".wrangler/bench");

export const isWanted = (name: string): boolean => name.includes(settings.only);

export const STAFF_TOKEN = "bench-staff-token";
export const INGEST_SECRET = "bench-secret";

/** Prices of the Workers paid plan, in dollars. Sources: the pricing pages of D1, Queues and Workers. */
export const PRICES = {
  /** https://developers.cloudflare.com/d1/platform/pricing/ */
  rowRead: 0.001 / 1e6,
  rowWritten: 1 / 1e6,
  gigabyteMonth: 0.75,
  /** https://developers.cloudflare.com/queues/platform/pricing/ : a message is written, read and deleted. */
  queueMessage: (3 * 0.4) / 1e6,
  /** https://developers.cloudflare.com/workers/platform/pricing/ */
  request: 0.3 / 1e6,
};

/** The reference month: what is written and read in it. */
export const MONTH = { eventsWritten: 1_000_000, oneByOne: 0.3, perRequest: 50, requestsRead: 10_000_000 };
