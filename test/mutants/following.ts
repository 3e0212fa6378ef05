import type { Mutant } from "./mutant.ts";

const BUSY = ["test/feed/busy"];
const RETENTION = ["test/feed/retention"];

/** Bugs in what readers of the feed get. */
export const followingMutants: readonly Mutant[] = [
  {
    bug: "Readers of one scope: staff are taken for readers who see a part.",
    file: "src/events/log/entries.ts",
    search: 'typeof visibility === "object" && !knowsIds ?',
    replace: 'typeof visibility === "object" ?',
    tests: RETENTION,
  },
  {
    bug: "Readers of one scope: late events hide what retention deleted.",
    file: "src/events/log/entries.ts",
    search: "AND created >= ${deletedUntil} ORDER BY",
    replace: "AND created >= 0 ORDER BY",
    tests: RETENTION,
  },
  {
    bug: "Readers of one scope: an offset stays good when another object belongs to it.",
    file: "src/feed/request.ts",
    search: "sees: await sha256Hex(JSON.stringify(visibility), SEES_BYTES),",
    replace: 'sees: "000000",',
    tests: ["test/feed/offsets"],
  },
  {
    bug: "Readers of an export: the first event of a type is left out.",
    file: "src/events/log/follow.ts",
    search: "if (later !== following) return",
    replace: "if (later === undefined) return",
    tests: ["test/feed/exports"],
  },
  {
    bug: "Readers of a stream: it goes on until no statement is left.",
    file: "src/feed/live.ts",
    search: "const MAX_STATEMENTS = 950;",
    replace: "const MAX_STATEMENTS = 5_000;",
    tests: BUSY,
  },
  {
    bug: "Readers of a stream: a comment for each commit of others.",
    file: "src/feed/live.ts",
    search: "&& Date.now() < until);",
    replace: "&& Date.now() < 0);",
    tests: BUSY,
  },
  {
    bug: "Readers who are woken for nothing look at once each time.",
    file: "src/feed/live.ts",
    search: "const APART_MS = 1_000;",
    replace: "const APART_MS = 0;",
    tests: BUSY,
  },
  {
    bug: "Readers of a stream: what it has looked up is kept for longer than a minute.",
    file: "src/auth/authenticate.ts",
    search: "credentialsOf(c, Date.now(), RENEWED_CACHE_MS)",
    replace: "credentialsOf(c, Date.now() + 25_000, IDENTITY_CACHE_MS)",
    tests: ["test/feed/renewal"],
  },
  {
    bug: "Readers of large events: a page reads each one's content.",
    file: "src/feed/read.ts",
    search: "large > MAX_LARGE",
    replace: "large > MAX_LARGE * 1_000",
    tests: ["test/feed/catch-up"],
  },
];
