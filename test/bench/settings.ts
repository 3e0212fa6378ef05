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
