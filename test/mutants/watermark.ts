import type { Mutant } from "./mutant.ts";

const TESTS = ["test/ingest/watermark"];

/** Bugs in the time up to which the log is complete. */
export const watermarkMutants: readonly Mutant[] = [
  {
    bug: "The margin of the watermark is added.",
    file: "src/ingest/watermark/through.ts",
    search: "microsecondsNow(oldest - WATERMARK_MARGIN_MS)",
    replace: "microsecondsNow(oldest + WATERMARK_MARGIN_MS)",
    tests: TESTS,
  },
  {
    bug: "The oldest message of the queue does not count, only those of the delivery.",
    file: "src/ingest/watermark/through.ts",
    search: "if (oldest === undefined || oldest <= own) return oldest;",
    replace: "if (oldest === undefined || oldest <= own) return own;",
    tests: TESTS,
  },
  {
    bug: "Metrics that miss the messages of the delivery are believed.",
    file: "src/ingest/watermark/through.ts",
    search: "if (oldest === undefined || oldest <= own) return oldest;",
    replace: "if (oldest !== undefined) return Math.min(oldest, own);",
    tests: TESTS,
  },
  {
    bug: "Messages go to R2 before the watermark is held.",
    file: "src/ingest/queue/enqueue.ts",
    search:
      'await orRefused(holdOutside(env.SPILL, "spilled", producer));\n      await spilled(env.SPILL, request);\n      return;',
    replace:
      'await spilled(env.SPILL, request);\n      await orRefused(holdOutside(env.SPILL, "spilled", producer));\n      return;',
    tests: TESTS,
  },
  {
    bug: "A message is retried without a hold.",
    file: "src/ingest/consumer.ts",
    search: 'if (run.away > 0) await holdUnseen(env.SPILL, "retried", run.away);',
    replace: "",
    tests: TESTS,
  },
  {
    bug: "A dead message is sent without a hold.",
    file: "src/ingest/settle.ts",
    search: 'await holdOutside(env.SPILL, "dead");',
    replace: "",
    tests: TESTS,
  },
  {
    bug: "The mark is written whatever has become of it.",
    file: "src/ingest/watermark/mark.ts",
    search: "JSON.stringify({ ...mark, id: crypto.randomUUID() }), { onlyIf });",
    replace: "JSON.stringify({ ...mark, id: crypto.randomUUID() }), onlyIf && {});",
    tests: TESTS,
  },
  {
    bug: "A hold ends when R2 is empty, though the queue is not.",
    file: "src/ingest/watermark/job.ts",
    search: "return [main, dead].every((oldest) => oldest !== undefined && oldest > emptyAt + CLOCK_SKEW_MS);",
    replace: "return true;",
    tests: TESTS,
  },
  {
    bug: "A hold ends while further messages may be spilled.",
    file: "src/ingest/watermark/job.ts",
    search: "now > outside.until + CLOCK_SKEW_MS",
    replace: "now > 0",
    tests: TESTS,
  },
  {
    bug: "A hold ends while messages that left R2 wait for a retry.",
    file: "src/ingest/watermark/job.ts",
    search: "Math.max(mark.unseen.until, emptyAt)",
    replace: "emptyAt",
    tests: TESTS,
  },
  {
    bug: "A mark that nobody confirms is believed.",
    file: "src/ingest/watermark/mark.ts",
    search: "return now - mark.at >= LEASE_MS ?",
    replace: "return now < 0 ?",
    tests: TESTS,
  },
  {
    bug: "The watermark goes back.",
    file: "src/events/log/complete.ts",
    search: "complete_through = max(complete_through,",
    replace: "complete_through = max(0,",
    tests: TESTS,
  },
];
