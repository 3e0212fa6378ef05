import { newestId } from "../../events/counters/rebuild.ts";
import { indexMissing, missing, PART_EVENTS } from "../../events/search/rebuild.ts";
import { query } from "../d1.ts";
import type { Target } from "../target.ts";
import { command } from "./command.ts";
import { inParts } from "./parts.ts";

export const searchCommands = [
  command({
    name: "search rebuild",
    usage: "",
    help: `Adds the events that the search index lacks, part by part. Events may be written meanwhile.
Needed for events that were written by other means than the Worker.`,
    options: {},
    run: ({ target }) => rebuild(target),
  }),
];

async function rebuild(target: Target): Promise<void> {
  const [newest] = await query(target, newestId);
  const begins = Array.from({ length: Math.ceil(Number(newest?.id) / PART_EVENTS) }, (_, part) => part * PART_EVENTS);
  let indexed = 0;
  for await (const [row] of inParts(target, begins, (after) => [
    missing(after, after + PART_EVENTS),
    ...indexMissing(after, after + PART_EVENTS),
  ])) {
    indexed += Number(row?.missing);
  }
  console.log(`${indexed} events indexed.`);
}
