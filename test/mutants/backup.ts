import type { Mutant } from "./mutant.ts";

const RESTORE = "src/events/backup/restore.ts";
const SAVE = "src/cli/backup/save.ts";
const MEANWHILE = ["test/backup/changed-meanwhile"];

/** Bugs in backups and restores. */
export const backupMutants: readonly Mutant[] = [
  {
    bug: "An event whose uuid another had for a while waits for ever.",
    file: RESTORE,
    search: ", (change.value->>3) || ':' || (change.value->>2))`;",
    replace: ")`;",
    tests: MEANWHILE,
  },
  {
    bug: "Two events with one uuid, one after the other, end a restore.",
    file: RESTORE,
    search: "WHERE uuid IN (SELECT value->>1 FROM",
    replace: "WHERE 0 AND uuid IN (SELECT value->>1 FROM",
    tests: MEANWHILE,
  },
  {
    bug: "An event that took another uuid while the backup was made loses its digest.",
    file: RESTORE,
    search: "content = coalesce(content, change.value->>4)",
    replace: "content = content",
    tests: MEANWHILE,
  },
  {
    bug: "An event that was deleted while the backup was made is there again.",
    file: RESTORE,
    search: "WHERE change.value->>1 = 'removed'",
    replace: "WHERE 0",
    tests: MEANWHILE,
  },
  {
    bug: "A period that was deleted while the backup was made takes too few events.",
    file: RESTORE,
    search: "OR events.id >= change.value->>2",
    replace: "OR events.id > change.value->>2",
    tests: MEANWHILE,
  },
  {
    bug: "A database with an event in it is restored into.",
    file: RESTORE,
    search: "SELECT iif(${IS_EMPTY}, 1, 0)",
    replace: "SELECT 1",
    tests: ["test/backup/restore"],
  },
  {
    bug: "A half restored database is served.",
    file: RESTORE,
    search: 'sql.raw("commit_watermark_of_an_unfinished_restore")',
    replace: 'sql.raw("commit_watermark")',
    tests: ["test/backup/restore"],
  },
  {
    bug: "A restored log has the incarnation of the backup.",
    file: RESTORE,
    search: "incarnation = max(incarnation + 1, ${integer(incarnation)})",
    replace: "incarnation = ${integer(incarnation - 1)}",
    tests: ["test/backup/restore"],
  },
  {
    bug: "A type that the catalogue has learned is not found in a restored log.",
    file: RESTORE,
    search: "WHERE known.id < ${integer(OTHER_TYPE)} AND",
    replace: "WHERE 0 AND",
    tests: ["test/backup/kept"],
  },
  {
    bug: "A restore that is run again begins at its first line.",
    file: "src/cli/backup/restore.ts",
    search: "if (number > written) yield",
    replace: "yield",
    tests: ["test/backup/restore"],
  },
  {
    bug: "The keys of signing producers are in the backup.",
    file: SAVE,
    search: 'if (line.table === "producers" && row.auth !== "secret") line.row.secrets = "[]";',
    replace: "",
    tests: ["test/backup/kept"],
  },
  {
    bug: "An event that was dead, and stored while the backup was made, is in no line.",
    file: SAVE,
    search: "const { end, last_change, dense_from } = await copyLog(backup, header, writer);",
    replace: "const [[{ end, last_change, dense_from } = {}] = []] = (await data.read([backupState])) as never;",
    tests: ["test/backup/kept"],
  },
  {
    bug: "The time of completeness is later than the dead letters of the backup.",
    file: SAVE,
    search: "last_change, dense_from, complete_through };",
    replace: "last_change, dense_from, complete_through: complete_through + 4 };",
    tests: ["test/backup/kept"],
  },
  {
    bug: "A backup goes on with the part of another log.",
    file: SAVE,
    search: "line.schema === schema && line.incarnation === incarnation",
    replace: "line.schema === schema",
    tests: ["test/backup/stopped"],
  },
  {
    bug: "A part of a backup is believed, whatever its digest.",
    file: "src/cli/backup/check.ts",
    search: "part?.sha256 === wanted?.sha256 && part?.bytes",
    replace: "part?.bytes",
    tests: ["test/backup/refused"],
  },
  {
    bug: "Two changes of one event are written at once.",
    file: "src/cli/backup/slices.ts",
    search: "return [`event ${line.event_id}`];",
    replace: "return [];",
    tests: MEANWHILE,
  },
];
