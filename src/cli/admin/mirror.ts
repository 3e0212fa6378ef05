import type { SQL } from "drizzle-orm";
import { pause, resume, start, verify } from "../../mirror/control.ts";
import { differencesStatement, statusOf, statusStatements } from "../../mirror/report.ts";
import { query, queryAll } from "../d1.ts";
import { Failure } from "../failure.ts";
import type { Target } from "../target.ts";
import { command, JSON_OPTION } from "./command.ts";
import { statusText } from "./mirror-status.ts";
import { printJson, printList } from "./print.ts";
import { shortTime } from "./time.ts";

/** Differing events that are printed. */
const MAX_LISTED = 1_000;

export const mirrorCommands = [
  command({
    name: "mirror start",
    usage: "[--anew]",
    help: `Has the Worker read all events of the Waldur at WALDUR_URL, with the token in the secret WALDUR_MIRROR_TOKEN, and then keep
up with it. Run again, it goes on. With --anew it begins from the beginning and forgets what was compared; no event is deleted.`,
    options: { anew: { type: "boolean", default: false } },
    async run({ target, values }) {
      await query(target, ...start(Date.now(), values.anew === true));
      console.log("The mirror is started; the cron job works on it every minute. See: npm run admin -- mirror status");
    },
  }),
  command({
    name: "mirror status",
    usage: "[--json]",
    help: `Prints how far the mirror is, up to when both sides are proven equal, and what is wrong.`,
    options: JSON_OPTION,
    async run({ target, values }) {
      const status = statusOf(await queryAll(target, statusStatements), Date.now());
      if (values.json) printJson(status);
      else console.log(statusText(status, process.stdout.isTTY === true));
    },
  }),
  command({
    name: "mirror pause",
    usage: "",
    help: "Stops the mirror after the request under way.",
    options: {},
    run: ({ target }) => change(target, pause, "The mirror is paused."),
  }),
  command({
    name: "mirror resume",
    usage: "",
    help: "Goes on after a pause, or after what stopped the mirror was corrected.",
    options: {},
    run: ({ target }) => change(target, resume, "The mirror goes on within a minute."),
  }),
  command({
    name: "mirror verify",
    usage: "[--digests] [--explain] [--json]",
    help: `Has the Worker compare all settled events with Waldur's: by counts, with one request and some ten for each difference. With
--digests it reads every event of Waldur again. The result is in mirror status. With --explain it asks for nothing, and lists
the events that are known to differ.`,
    options: {
      ...JSON_OPTION,
      digests: { type: "boolean", default: false },
      explain: { type: "boolean", default: false },
    },
    async run({ target, values }) {
      if (values.explain) return explain(target, values.json === true);
      const mode = values.digests ? "digests" : "counts";
      await change(target, verify(mode, Date.now()), `Comparing by ${mode}. See: npm run admin -- mirror status`);
    },
  }),
];

async function change(target: Target, statements: readonly SQL[], done: string): Promise<void> {
  const rows = await query(target, ...statements);
  if (rows.length === 0) throw new Failure("The mirror was never started. Run: npm run admin -- mirror start");
  console.log(done);
}

async function explain(target: Target, json: boolean): Promise<void> {
  printList({
    rows: await query(target, differencesStatement(MAX_LISTED)),
    json,
    none: "No event is known to differ.",
    headings: ["uuid", "difference", "created (UTC)", "detail"],
    cells: ({ uuid, kind, created, detail }) => [uuid, kind, shortTime(created), detail],
  });
}
