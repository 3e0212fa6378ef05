import type { Mutant } from "./mutant.ts";

const WAITERS = ["test/feed/waiters"];
const COMMITS = ["test/feed/commits"];

/** Bugs in the bell, which tells waiting readers of commits. */
export const feedMutants: readonly Mutant[] = [
  {
    bug: "A ring wakes those who have the entry, too.",
    file: "src/feed/waiters.ts",
    search: "after < this.#end);",
    replace: "after <= this.#end);",
    tests: WAITERS,
  },
  {
    bug: "A ring before the wait is forgotten.",
    file: "src/feed/waiters.ts",
    search: "if (after < this.#end) this.#rounds.request();",
    replace: "",
    tests: WAITERS,
  },
  {
    bug: "Every ring is a round of its own.",
    file: "src/feed/waiters.ts",
    search: "new Paced(ROUND_MS,",
    replace: "new Paced(0,",
    tests: WAITERS,
  },
  {
    bug: "Many readers come back as often as few.",
    file: "src/feed/waiters.ts",
    search: "this.#rounds.pause(woken * ROUND_MS_PER_WAITER);",
    replace: "void woken;",
    tests: WAITERS,
  },
  {
    bug: "There is one look, and no other.",
    file: "src/feed/waiters.ts",
    search: "    this.#looks.request();\n    this.#rung = 0;",
    replace: "    this.#rung = 0;",
    tests: WAITERS,
  },
  {
    bug: "Looks go on when nobody waits.",
    file: "src/feed/waiters.ts",
    search: "[this.#looks, this.#ticks, this.#rounds]",
    replace: "[this.#ticks, this.#rounds]",
    tests: WAITERS,
  },
  {
    bug: "A look undoes a ring that came while it ran.",
    file: "src/feed/waiters.ts",
    search: "Math.max(looked, this.#rung)",
    replace: "looked",
    tests: WAITERS,
  },
  {
    bug: "What was rung before a restore wakes readers for ever.",
    file: "src/feed/waiters.ts",
    search: "if (end < this.#end) this.#end = end;",
    replace: "",
    tests: WAITERS,
  },
  {
    bug: "A look that hangs is the last.",
    file: "src/feed/waiters.ts",
    search: 'await withDeadline(this.#readEnd(), LOOK_DEADLINE_MS, "The database did not answer in time.")',
    replace: "await this.#readEnd()",
    tests: WAITERS,
  },
  {
    bug: "Any number of readers may wait.",
    file: "src/feed/waiters.ts",
    search: "if (this.#waiting.size >= MAX_WAITERS) return FULL;",
    replace: "",
    tests: WAITERS,
  },
  {
    bug: "A reader whose bell is full asks it again at once.",
    file: "src/feed/wait.ts",
    search: "return end < 0 ? undefined : end;",
    replace: "return end;",
    tests: ["test/feed/bell"],
  },
  {
    bug: "A transaction without new events rings the number of an earlier insert.",
    file: "src/events/write/record.ts",
    search: "meta.changes > 0 ? meta.last_row_id : 0",
    replace: "meta.last_row_id",
    tests: COMMITS,
  },
  {
    bug: "An event that takes another uuid rings for nobody.",
    file: "src/events/write/record.ts",
    search: ", ...changed.flatMap(({ results: rows }) => rows.map(toEnd))",
    replace: "",
    tests: COMMITS,
  },
  {
    bug: "A delivery waits for a ring that hangs.",
    file: "src/ingest/commit-hook.ts",
    search: "await withDeadline(this.#telling, HOOK_DEADLINE_MS, late).catch((error) => warn(error));",
    replace: "await this.#telling.catch(() => warn(late));",
    tests: COMMITS,
  },
  {
    bug: "Commits during a slow ring are never told.",
    file: "src/ingest/commit-hook.ts",
    search: "told < this.#end; ) {",
    replace: "told === 0; ) {",
    tests: COMMITS,
  },
  {
    bug: "An answer whose end nobody saw counts for ever.",
    file: "src/feed/open-reads.ts",
    search: "if (until <= now) end(client, read);",
    replace: "if (until < 0) end(client, read);",
    tests: ["test/feed/open-reads"],
  },
  {
    bug: "A stream that goes on no longer counts after a minute.",
    file: "src/feed/stream.ts",
    search: "      open.goesOn();\n",
    replace: "",
    tests: ["test/feed/open-reads"],
  },
  {
    bug: "A cursor may go back in the course of a stream.",
    file: "src/feed/live.ts",
    search: "String(Math.max(cursor, nextCursor(undefined)))",
    replace: "String(nextCursor(feed.cursor))",
    tests: ["test/feed/protocol"],
  },
];
