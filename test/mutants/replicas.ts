import type { Mutant } from "./mutant.ts";

const SEQUENCES = "test/events/replicas/sequences";
const BOUNDS = "test/events/replicas/bounds";
const SNAPSHOT = "test/events/list/snapshot";
const AUTH = "test/auth/replicas";

/** Bugs that show only where replicas lag, or where events are written between two round trips. */
export const replicaMutants: readonly Mutant[] = [
  {
    bug: "Tokens are looked up in a replica.",
    file: "src/auth/authenticate.ts",
    search: 'identifyLocally(c.get("reader").primary, credentials)',
    replace: 'identifyLocally(c.get("reader").drizzle, credentials)',
    tests: [AUTH, SEQUENCES],
  },
  {
    bug: "The isolate forgets the bookmark of a token.",
    file: "src/http/bookmarks.ts",
    search: "newest.set(key, bookmark, now);",
    replace: "",
    tests: [BOUNDS],
  },
  {
    bug: "The bookmark of a token is not shared in the data centre.",
    file: "src/http/bookmarks.ts",
    search: "if (isShared)",
    replace: "if (isShared && false)",
    tests: [BOUNDS, SEQUENCES],
  },
  {
    bug: "A bookmark that the client sent is remembered.",
    file: "src/http/session.ts",
    search: "if (key === undefined || c.req.header(BOOKMARK_HEADER) !== undefined) return;",
    replace: "if (key === undefined) return;",
    tests: [BOUNDS],
  },
  {
    bug: "A replica that is behind is believed.",
    file: "src/http/session.ts",
    search: "const shared = result.isBehind ? undefined : await",
    replace: "result.isBehind = false;\n    const shared = await",
    tests: [BOUNDS],
  },
  {
    bug: "A refusal of a replica is believed.",
    file: "src/http/session.ts",
    search: "error.status >= 500 || !reader.isFromReplica",
    replace: "error.status >= 400 || !reader.isFromReplica",
    tests: [BOUNDS, SEQUENCES],
  },
  {
    bug: "An ETag of another epoch is newer than all others.",
    file: "src/events/version.ts",
    search: "[incarnationOf, epochOf, lastIdOf].map(",
    replace: "[incarnationOf, lastIdOf, epochOf].map(",
    tests: [BOUNDS, "test/events/version"],
  },
  {
    bug: "A page token with the id of an event that the replica does not have is taken.",
    file: "src/events/list/page.ts",
    search: "(version) => event <= lastIdOf(version)",
    replace: "() => true",
    tests: [BOUNDS],
  },
  {
    bug: "A page token with the uuid of an event that the replica does not have is taken.",
    file: "src/events/list/page.ts",
    search: "return () => found().length > 0;",
    replace: "return () => true;",
    tests: [BOUNDS],
  },
  {
    bug: "The rows of a page are of a later state than its total.",
    file: "src/events/list/place.ts",
    search: "offset: found.place.offset, upto }",
    replace: "offset: found.place.offset }",
    tests: [SNAPSHOT, "test/events/list/later-rows"],
  },
  {
    bug: "The days in which a page is looked for count events that its total does not.",
    file: "src/events/list/place.ts",
    search: "const units = without(newer, query, daysOf(query, rows))",
    replace: "const units = without(newer.slice(1), query, daysOf(query, rows))",
    tests: [SNAPSHOT],
  },
  {
    bug: "An event that is deleted between two round trips is not noticed.",
    file: "src/events/log/snapshot.ts",
    search: 'if (numberAt(row, "epoch") !== epochOf(version)) throw new ChangedError();\n  const changed',
    replace: "const changed",
    tests: [SNAPSHOT],
  },
  {
    bug: "An event that takes another uuid between two round trips is not noticed.",
    file: "src/events/log/snapshot.ts",
    search: "if (isChanged ||",
    replace: "if (",
    tests: [SNAPSHOT, "test/events/list/adoptions"],
  },
  {
    bug: "A later window of a count has events that were written after the first one.",
    file: "src/events/search/read.ts",
    search: "bounds(this.#uptoId, this.#state.newest, limit)",
    replace: "bounds(this.#uptoId, Number.MAX_SAFE_INTEGER, limit)",
    tests: ["test/events/search"],
  },
  {
    bug: "A count goes on after a deletion between two of its windows.",
    file: "src/events/search/read.ts",
    search: "if (window.epoch !== this.#state.epoch) throw new ChangedError();",
    replace: "",
    tests: ["test/events/search"],
  },
  {
    bug: "A total from before a deletion goes with matches from after it.",
    file: "src/events/list/search.ts",
    search: "if (listed.epoch !== matches.epoch) throw new ChangedError();",
    replace: "",
    tests: ["test/events/search/between-trips"],
  },
  {
    bug: "What was counted before a type had events is used after it.",
    file: "src/events/query.ts",
    search: "return types === undefined ? digest : sha256Hex(JSON.stringify([digest, types]), DIGEST_BYTES);",
    replace: "return digest;",
    tests: ["test/events/search/between-trips"],
  },
  {
    bug: "The cron job never ends a search that has few matches left.",
    file: "src/events/search/read.ts",
    search: "|| this.#state.isUnfinished;",
    replace: ";",
    tests: ["test/events/search/job"],
  },
  {
    bug: "A search that cannot be counted ends the cron job.",
    file: "src/events/search/job.ts",
    search: ".catch((error) => giveUp(db, query, error))",
    replace: "",
    tests: ["test/events/search/job"],
  },
  {
    bug: "What no search keeps costs a client nothing.",
    file: "src/events/search/row-budget.ts",
    search: "this.spend(meter.rowsRead - before);",
    replace: "",
    tests: ["test/events/search/row-budget"],
  },
];
