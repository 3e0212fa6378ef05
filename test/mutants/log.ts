import type { Mutant } from "./mutant.ts";

const RETENTION = ["test/events/log/retention"];

/** Bugs in the sequence of the log, its incarnation and retention. */
export const logMutants: readonly Mutant[] = [
  {
    bug: "Changes of one transaction have the numbers of those before.",
    file: "src/events/log/sequence.ts",
    search: "max(marked_end, coalesce((SELECT max(id) FROM log_changes), 0))",
    replace: "marked_end",
    tests: ["test/events/log/changes"],
  },
  {
    bug: "The log does not end later after a change.",
    file: "src/events/log/sequence.ts",
    search: "WHERE last_change < (SELECT max(id) FROM log_changes) RETURNING",
    replace: "WHERE false RETURNING",
    tests: ["test/events/log/sequence"],
  },
  {
    bug: "A page token is valid in every incarnation.",
    file: "src/events/list/page.ts",
    search: "given !== undefined && current !== undefined && given !== current",
    replace: "false && given !== current",
    tests: ["test/events/log/incarnation"],
  },
  {
    bug: "A token of another incarnation tells whether an empty list has hidden events.",
    file: "src/events/list/page.ts",
    search: "if (total > 0 && isForeign(",
    replace: "if (isForeign(",
    tests: ["test/events/log/incarnation"],
  },
  {
    bug: "The version of a series is the same in all incarnations.",
    file: "src/events/version.ts",
    search: "(SELECT epoch || '.' || incarnation FROM commit_watermark)",
    replace: "(SELECT epoch || '.1' FROM commit_watermark)",
    tests: ["test/events/log/incarnation"],
  },
  {
    bug: "A restore is not noticed when other entries have come since.",
    file: "src/ingest/log-mark.ts",
    search: " || (entry_there !== null && entry_there !== mark.entry)",
    replace: "",
    tests: ["test/ingest/log-mark"],
  },
  {
    bug: "A deleted event at the mark is taken for a restore.",
    file: "src/ingest/log-mark.ts",
    search: "(entry_there !== null && entry_there",
    replace: "(entry_there",
    tests: ["test/ingest/log-mark"],
  },
  {
    bug: "The mark is written at every run.",
    file: "src/ingest/log-mark.ts",
    search: "return end > mark.end && now",
    replace: "return end > mark.end || now",
    tests: ["test/ingest/log-mark"],
  },
  {
    bug: "Each event of a deleted period is an entry, too.",
    file: "src/events/log/retention.ts",
    search: "deletes_period = 1\n",
    replace: "deletes_period = 0\n",
    tests: RETENTION,
  },
  {
    bug: "The deletion of single events stays switched off after a period.",
    file: "src/events/log/retention.ts",
    search: "SET deletes_period = 0 WHERE",
    replace: "SET deletes_period = 1 WHERE",
    tests: RETENTION,
  },
  {
    bug: "The entry of a period names the wrong event of its last time.",
    file: "src/events/log/retention.ts",
    search: "ORDER BY created DESC, id ASC LIMIT 1",
    replace: "ORDER BY created DESC, id DESC LIMIT 1",
    tests: RETENTION,
  },
  {
    bug: "A deleted period stays in the counters of the days of its objects.",
    file: "src/events/log/retention.ts",
    search: 'iif(counters.days IS NULL, NULL, ${without("days")})',
    replace: "counters.days",
    tests: RETENTION,
  },
  {
    bug: "A deleted period leaves totals and ETags as they are.",
    file: "src/events/log/retention.ts",
    search: "SET epoch = epoch + 1, last_change",
    replace: "SET last_change",
    tests: RETENTION,
  },
  {
    bug: "A slice of a period has any number of texts to look up.",
    file: "src/events/log/retention.ts",
    search: "WHERE total - bytes < ${SLICE_CONTEXT_BYTES}",
    replace: "WHERE true",
    tests: RETENTION,
  },
  {
    bug: "A Worker before the log's sequence uses numbers of changes again.",
    file: "migrations/0018_log_sequence.sql",
    search: "SET seq = max(NEW.last_change, coalesce((SELECT max(id) FROM events), 0))",
    replace: "SET seq = seq",
    tests: ["test/events/log/earlier-version"],
  },
  {
    bug: "Gaps of a Worker before the log's sequence are taken for changes by hand.",
    file: "src/events/log/sequence.ts",
    search: "iif(has_gaps, ${END}, dense_from)",
    replace: "dense_from",
    tests: ["test/events/log/earlier-version"],
  },
];
