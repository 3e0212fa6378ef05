import type { Mutant } from "./mutant.ts";

const TESTS = ["test/mirror"];

/** Bugs in the mirror of a Waldur. */
export const mirrorMutants: readonly Mutant[] = [
  {
    bug: "A window is written before its events are in the queue.",
    file: "src/mirror/reading.ts",
    search: "const refused = await sides.send(missing);",
    replace:
      'const refused: Awaited<ReturnType<Sides["send"]>> = [];\n  void sides.send(missing).catch(() => undefined);',
    tests: TESTS,
  },
  {
    bug: "An event on the boundary belongs to both windows.",
    file: "src/mirror/reading.ts",
    search: "return events.filter(({ created }) => created < to * MICROSECONDS);",
    replace: "return [...events];",
    tests: TESTS,
  },
  {
    bug: "A page with fewer events than promised is taken.",
    file: "src/mirror/reading.ts",
    search: "if (got.events.length !== Math.min(size,",
    replace: "if (got.events.length > Math.min(size,",
    tests: TESTS,
  },
  {
    bug: "The same event twice is taken for two.",
    file: "src/mirror/reading.ts",
    search: 'if (lines.has(uuid)) throw new MirrorProblem("repeated", uuid);',
    replace: "",
    tests: TESTS,
  },
  {
    bug: "What is missing is not fetched when a window is compared again.",
    file: "src/mirror/compare.ts",
    search: "(await mirror.theirs.count(range)) === window.theirs",
    replace: "(await mirror.theirs.count(range)) >= window.theirs",
    tests: TESTS,
  },
  {
    bug: "An altered event passes.",
    file: "src/mirror/reading.ts",
    search: "(left.get(uuid)?.line ?? line) !== line",
    replace: "(left.get(uuid)?.line ?? line).length !== line.length",
    tests: TESTS,
  },
  {
    bug: "Verified through passes a window that is not equal.",
    file: "src/mirror/report.ts",
    search: "coalesce((SELECT min(from_s) FROM mirror_windows WHERE state <> 'equal'),",
    replace: "coalesce((SELECT min(from_s) FROM mirror_windows WHERE state = 'failed'),",
    tests: TESTS,
  },
  {
    bug: "The lease keeps nobody out.",
    file: "src/mirror/store.ts",
    search: "AND lease_until < ${integer(now)} RETURNING *",
    replace: "RETURNING *",
    tests: TESTS,
  },
  {
    bug: "Who has lost the lease goes on writing.",
    file: "src/mirror/store.ts",
    search: "if (first?.meta.changes === 0) throw new SliceOver();",
    replace: "",
    tests: TESTS,
  },
  {
    bug: "Retry-After is not honoured.",
    file: "src/mirror/job.ts",
    search: "Math.max(retryAfterMs, backOff(failures, random()))",
    replace: "backOff(failures, random())",
    tests: TESTS,
  },
  {
    bug: "The mirror goes on after a 403.",
    file: "src/mirror/answer.ts",
    search: "if (status === 401 || status === 403)",
    replace: "if (status === 401)",
    tests: TESTS,
  },
  {
    bug: "What is settled goes by our clock alone.",
    file: "src/mirror/mirror.ts",
    search: "now() + Math.min(0, theirs.skew)",
    replace: "now()",
    tests: TESTS,
  },
  {
    bug: "A month that only we have is not looked at.",
    file: "src/mirror/verify.ts",
    search: "const ours = bounds === undefined ? [] : monthsOf(bounds);",
    replace: "const ours: Range[] = bounds === undefined ? monthsOf({ from: 0, to: 0 }) : [];",
    tests: TESTS,
  },
  {
    bug: "The right half of a range keeps the count of the whole.",
    file: "src/mirror/verify.ts",
    search: "ours: ours - counted.ours",
    replace: "ours",
    tests: TESTS,
  },
  {
    bug: "The events of all producers are compared with Waldur's.",
    file: "src/events/log/window.ts",
    search: "AND (upstream = 1 OR producer = ${producer})",
    replace: "AND (upstream >= 0 OR producer = ${producer})",
    tests: TESTS,
  },
  {
    bug: "Of events with one time, the first part has all that are read.",
    file: "src/events/log/window.ts",
    search: "OR events.id < ${integer(id)})",
    replace: "OR events.id < 0)",
    tests: TESTS,
  },
];
