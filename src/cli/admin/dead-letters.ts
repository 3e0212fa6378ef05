import { parseArgs } from "node:util";
import { bodyKey } from "../../ingest/queue/keys.ts";
import { literal, query, type Row, type Target } from "../d1.ts";
import { Failure, WRONG_USAGE } from "../failure.ts";
import { deleteObject, readObject } from "../r2.ts";
import { COMMON_OPTIONS, type Command, JSON_OPTION, targetOf } from "./command.ts";
import { shortTime, table } from "./table.ts";

const DEFAULT_LIMIT = 50;
/** Digits of an id that the list shows; as many, or all of them, name a letter. */
const SHORT_ID = 12;

const SELECTION = {
  ...COMMON_OPTIONS,
  all: { type: "boolean", default: false },
  producer: { type: "string" },
  reason: { type: "string" },
} as const;
const SELECTED = "(ID… | --all [--producer NAME] [--reason REASON]) [--remote]";

export const deadLetterCommands: readonly Command[] = [
  {
    name: "dead-letters list",
    options: "[--producer NAME] [--reason REASON] [--limit N] [--json] [--remote]",
    help: `Accepted events that were not stored, newest first; ${DEFAULT_LIMIT} unless told otherwise.`,
    run: list,
  },
  {
    name: "dead-letters show",
    options: "ID [--json] [--remote]",
    help: "All there is to know about one, with its body. The first digits of an ID will do.",
    run: show,
  },
  {
    name: "dead-letters replay",
    options: SELECTED,
    help: `Sends them to the queue again, within a minute. Each keeps its identity: what is stored is not stored twice.
A letter goes when its event is stored, and is back when it dies again.`,
    run: replay,
  },
  { name: "dead-letters discard", options: SELECTED, help: "Deletes them for good.", run: discard },
];

async function list(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: { ...SELECTION, ...JSON_OPTION, limit: { type: "string", default: String(DEFAULT_LIMIT) } },
  });
  if (!/^\d{1,6}$/.test(values.limit)) throw new Failure("--limit must be a whole number.", WRONG_USAGE);
  const rows = await query(
    targetOf(values),
    `SELECT id, reason, state, producer, attempts, first_seen, last_seen, uuid, detail FROM dead_letters
      WHERE ${filter(values)} ORDER BY last_seen DESC LIMIT ${values.limit};`,
  );
  if (values.json) return console.log(JSON.stringify(rows, null, 2));
  if (rows.length === 0) return console.log("There are no dead letters.");
  const lines = rows.map(({ id, last_seen, producer, reason, state, attempts, detail }) => [
    String(id).slice(0, SHORT_ID),
    shortTime(last_seen),
    producer ?? "?",
    reason,
    state,
    attempts,
    detail,
  ]);
  console.log(table(["id", "last seen (UTC)", "producer", "reason", "state", "tries", "detail"], lines));
}

async function show(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    options: { ...COMMON_OPTIONS, ...JSON_OPTION },
    allowPositionals: true,
  });
  const target = targetOf(values);
  const [letter, ...others] = await query(
    target,
    `SELECT * FROM dead_letters WHERE ${named(positionals.slice(0, 1))};`,
  );
  if (letter === undefined) throw new Failure(`There is no dead letter ${positionals[0] ?? ""}.`);
  if (others.length > 0) throw new Failure("More than one dead letter begins so; give more digits.");
  const body = letter.body ?? (await readObject(target, bodyKey(String(letter.id))));
  if (values.json) return console.log(JSON.stringify({ ...letter, body }, null, 2));
  const told = { ...letter, first_seen: shortTime(letter.first_seen), last_seen: shortTime(letter.last_seen) };
  for (const [name, value] of Object.entries(told))
    if (name !== "body") console.log(`${name.padEnd(12)}${value ?? ""}`);
  console.log(`\n${body}`);
}

async function replay(args: string[]): Promise<void> {
  const { target, where } = selection(args);
  const rows = await query(target, `UPDATE dead_letters SET state = 'replay' WHERE ${where} RETURNING id;`);
  if (rows.length === 0) throw new Failure("There is no such dead letter.");
  console.log(
    `${counted(rows)} will be sent to the queue within a minute${target.remote ? "" : ", if the server runs"}.`,
  );
}

async function discard(args: string[]): Promise<void> {
  const { target, where } = selection(args);
  const rows = await query(target, `DELETE FROM dead_letters WHERE ${where} RETURNING id, body IS NULL AS large;`);
  if (rows.length === 0) throw new Failure("There is no such dead letter.");
  for (const { id, large } of rows) if (large === 1) await deleteObject(target, bodyKey(String(id)));
  console.log(`${counted(rows)} deleted.`);
}

function selection(args: string[]): { target: Target; where: string } {
  const { values, positionals } = parseArgs({ args, options: SELECTION, allowPositionals: true });
  if (values.all === positionals.length > 0) throw new Failure("Give ids, or --all.", WRONG_USAGE);
  return { target: targetOf(values), where: values.all ? filter(values) : named(positionals) };
}

function filter({ producer, reason }: { producer?: string | undefined; reason?: string | undefined }): string {
  const conditions = [
    ...(producer === undefined ? [] : [`producer = ${literal(producer)}`]),
    ...(reason === undefined ? [] : [`reason = ${literal(reason)}`]),
  ];
  return conditions.join(" AND ") || "true";
}

function named(ids: readonly string[]): string {
  if (ids.length === 0) throw new Failure("Give an id.", WRONG_USAGE);
  const wrong = ids.find((id) => !/^[\da-f]{8,32}$/i.test(id));
  if (wrong !== undefined)
    throw new Failure(`An id is at least 8 of its 32 hex digits, not ${JSON.stringify(wrong)}.`, WRONG_USAGE);
  return ids.map((id) => `substr(id, 1, ${id.length}) = ${literal(id.toLowerCase())}`).join(" OR ");
}

const counted = (rows: readonly Row[]): string => (rows.length === 1 ? "1 dead letter" : `${rows.length} dead letters`);
