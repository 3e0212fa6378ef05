import { and, desc, eq, inArray, isNull, or, type SQL, sql } from "drizzle-orm";
import { bodyKey } from "../../ingest/queue/keys.ts";
import { deadLetters } from "../../ingest/table.ts";
import { microsecondsNow } from "../../values/time.ts";
import { query, queryAll, type Row } from "../d1.ts";
import { Failure, WRONG_USAGE } from "../failure.ts";
import { deleteObjects, readObject } from "../r2.ts";
import { builder, startsWith } from "../sql.ts";
import { command, JSON_OPTION } from "./command.ts";
import { makeDeadLetter } from "./make-dead-letter.ts";
import { checkedNumber } from "./options.ts";
import { printJson, printList } from "./print.ts";
import { shortTime } from "./time.ts";

const DEFAULT_LIMIT = 50;
const MAX_LIMIT_DIGITS = 6;
/** Digits of an ID that the list prints. */
const SHORT_ID = 12;

/** Options that select dead letters. */
const SELECTION = {
  all: { type: "boolean", default: false },
  producer: { type: "string" },
  reason: { type: "string" },
} as const;
const SELECTION_USAGE = "(ID… | --all [--producer NAME] [--reason REASON])";

interface Selection {
  all: boolean;
  producer?: string;
  reason?: string;
}

/** The states of letters that an operator can do something about; of the others, the events are stored or given up. */
const OPEN = ["dead", "replay", "sent"] as const;

const list = command({
  name: "dead-letters list",
  usage: "[--producer NAME] [--reason REASON] [--limit N] [--json]",
  help: `Lists accepted events that could not be stored, newest first. Default of N: ${DEFAULT_LIMIT}.
In the state replay or sent, a dead letter is on its way to the database; it leaves the list when its event is stored.`,
  options: { ...SELECTION, ...JSON_OPTION, limit: { type: "string", default: String(DEFAULT_LIMIT) } },
  async run({ target, values }) {
    const limit = checkedNumber("--limit", values.limit, MAX_LIMIT_DIGITS);
    const { id, reason, state, producer, attempts, firstSeen, lastSeen, uuid, detail } = deadLetters;
    const rows = await query(
      target,
      builder
        .select({ id, reason, state, producer, attempts, firstSeen, lastSeen, uuid, detail })
        .from(deadLetters)
        .where(filter(values))
        .orderBy(desc(lastSeen))
        .limit(limit),
    );
    printList({
      rows,
      json: values.json,
      none: "No dead letter waits; discarded ones are not listed.",
      headings: ["id", "last seen (UTC)", "producer", "reason", "state", "tries", "detail"],
      cells: (row) => [
        String(row.id).slice(0, SHORT_ID),
        shortTime(row.last_seen),
        row.producer ?? "?",
        row.reason,
        row.state,
        row.attempts,
        row.detail,
      ],
    });
  },
});

const show = command({
  name: "dead-letters show",
  usage: "ID [--json]",
  help: "Prints one dead letter with its body. ID may be the first 8 or more digits.",
  options: JSON_OPTION,
  takesWords: true,
  async run({ target, values, words }) {
    const [id = ""] = words;
    const chosen = anyOf(words.slice(0, 1));
    const [deadLetter, ...others] = await query(target, builder.select().from(deadLetters).where(chosen));
    if (deadLetter === undefined) throw new Failure(`There is no dead letter ${id}.`);
    if (others.length > 0)
      throw new Failure(`More than one dead letter has an ID that starts with ${id}. Give more digits.`);
    const body = deadLetter.body ?? (await readObject(target, bodyKey(String(deadLetter.id))));
    if (values.json) printJson({ ...deadLetter, body });
    else printDeadLetter(deadLetter, String(body));
  },
});

function printDeadLetter({ body: _, ...deadLetter }: Row, body: string): void {
  const { first_seen, last_seen, discarded } = deadLetter;
  const times = {
    ...{ first_seen: shortTime(first_seen), last_seen: shortTime(last_seen) },
    discarded: discarded === null ? null : shortTime(discarded),
  };
  for (const [name, value] of Object.entries({ ...deadLetter, ...times }))
    console.log(`${name.padEnd(12)}${value ?? ""}`);
  console.log(`\n${body}`);
}

const replay = command({
  name: "dead-letters replay",
  usage: SELECTION_USAGE,
  help: `Sends dead letters to the queue again, within a minute. An event that is stored already is not stored twice.
A dead letter leaves the list when its event is stored. If the event fails again, its state becomes dead again.`,
  options: SELECTION,
  takesWords: true,
  async run({ target, values, words }) {
    const marked = await query(
      target,
      builder
        .update(deadLetters)
        .set({ state: "replay" })
        .where(selected(values, words))
        .returning({ id: deadLetters.id }),
    );
    const condition = target.remote ? "" : ", if the server runs";
    console.log(`${counted(marked)} will be sent to the queue within a minute${condition}.`);
  },
});

const discard = command({
  name: "dead-letters discard",
  usage: SELECTION_USAGE,
  help: `Gives dead letters up. Their events are lost; their receipts say discarded, and when.`,
  options: SELECTION,
  takesWords: true,
  async run({ target, values, words }) {
    const chosen = selected(values, words);
    const { id, body, uuid } = deadLetters;
    const [found = []] = await queryAll(target, [
      builder
        .select({ id, isLarge: sql`${body} IS NULL`.as("large") })
        .from(deadLetters)
        .where(chosen),
      builder.delete(deadLetters).where(and(chosen, isNull(uuid))),
      builder.update(deadLetters).set({ state: "discarded", discarded: microsecondsNow(), body: "" }).where(chosen),
    ]);
    const message = `${counted(found)} discarded.`;
    const large = found.filter((row) => row.large === 1);
    await deleteObjects(
      target,
      large.map(({ id }) => bodyKey(String(id))),
    );
    console.log(message);
  },
});

/** The open dead letters that a command is for: those with the IDs, or with --all every one that passes the filter. */
function selected(selection: Selection, ids: readonly string[]): SQL | undefined {
  if (selection.all === ids.length > 0) throw new Failure("Give IDs or --all.", WRONG_USAGE);
  return selection.all ? filter(selection) : and(anyOf(ids), inArray(deadLetters.state, OPEN));
}

const filter = ({ producer, reason }: Selection): SQL | undefined =>
  and(
    inArray(deadLetters.state, OPEN),
    producer === undefined ? undefined : eq(deadLetters.producer, producer),
    reason === undefined ? undefined : eq(deadLetters.reason, reason),
  );

function anyOf(ids: readonly string[]): SQL | undefined {
  if (ids.length === 0) throw new Failure("Give an ID.", WRONG_USAGE);
  const wrong = ids.find((id) => !/^[\da-f]{8,32}$/i.test(id));
  if (wrong !== undefined)
    throw new Failure(`An ID has 8 to 32 hex digits, not ${JSON.stringify(wrong)}.`, WRONG_USAGE);
  return or(...ids.map((id) => startsWith(deadLetters.id, id.toLowerCase())));
}

function counted(rows: readonly Row[]): string {
  if (rows.length === 0)
    throw new Failure("There is no such dead letter that waits. A discarded one cannot be sent again.");
  return rows.length === 1 ? "1 dead letter" : `${rows.length} dead letters`;
}

export const deadLetterCommands = [list, show, replay, discard, makeDeadLetter];
