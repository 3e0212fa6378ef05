import { parseArgs } from "node:util";
import { newestId } from "../../events/counters/rebuild.ts";
import { indexMissing, missing, PART_EVENTS } from "../../events/search/rebuild.ts";
import { COMMON_OPTIONS, type Command, targetOf } from "./command.ts";
import { execute, inParts } from "./sql.ts";

export const searchCommands: readonly Command[] = [
  {
    name: "search rebuild",
    options: "[--remote]",
    help: "Indexes events that the search does not find, part by part, while events may be written.",
    run: rebuild,
  },
];

async function rebuild(args: string[]): Promise<void> {
  const database = targetOf(parseArgs({ args, options: COMMON_OPTIONS }).values);
  const [[newest] = []] = await execute(database, [newestId]);
  const begins = Array.from({ length: Math.ceil(Number(newest?.id) / PART_EVENTS) }, (_, part) => part * PART_EVENTS);
  let indexed = 0;
  for await (const [row] of inParts(database, begins, (after) => [
    missing(after, after + PART_EVENTS),
    ...indexMissing(after, after + PART_EVENTS),
  ])) {
    indexed += Number(row?.missing);
  }
  console.log(`${indexed} events indexed.`);
}
