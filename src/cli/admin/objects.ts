import { scopeTypeNames } from "../../catalogue/data.ts";
import { forgetObject, selectMoves, selectObject, setObject } from "../../events/objects/repair.ts";
import { definedOnly } from "../../values/defined.ts";
import { microsecondsNow } from "../../values/time.ts";
import { query } from "../d1.ts";
import { Failure, WRONG_USAGE } from "../failure.ts";
import { builder } from "../sql.ts";
import { command, JSON_OPTION } from "./command.ts";
import { learn } from "./learn-objects.ts";
import { checkedNumber, checkedUuid, ifGiven, wrongOption } from "./options.ts";
import { printList } from "./print.ts";
import { shortTime } from "./time.ts";

const DEFAULT_MOVES = "50";
const MAX_LIMIT_DIGITS = 5;

const show = command({
  name: "objects show",
  usage: "UUID [--json]",
  help: "Prints what is known of an object: its type, its customer and project, and which producer said so when.",
  options: JSON_OPTION,
  takesWords: true,
  async run({ target, values, words }) {
    const uuid = oneUuid(words);
    printList({
      rows: await query(target, selectObject(builder, uuid)),
      json: values.json,
      none: `Nothing is known of the object ${uuid}.`,
      headings: ["type", "customer", "project", "backing resource", "said by", "when (UTC)"],
      cells: (row) => [
        row.type ?? "(a plugin's)",
        row.customer ?? "-",
        row.project ?? "-",
        row.backing_resource ?? "-",
        row.producer ?? "(an operator)",
        shortTime(row.learned_at),
      ],
    });
  },
});

const set = command({
  name: "objects set",
  usage: "UUID [--type TYPE] [--customer UUID] [--project UUID] [--backing-resource UUID]",
  help: `Says where an object belongs, from now on: an event that happens later may change it again. The API applies the
change within a minute. An object with a project belongs to the customer of the project, whatever its own customer is:
--project none takes it out of the project. TYPE is app_label.modelname, as in GET /api/events/scope_types/.`,
  options: {
    type: { type: "string" },
    customer: { type: "string" },
    project: { type: "string" },
    "backing-resource": { type: "string" },
  },
  takesWords: true,
  async run({ target, values, words }) {
    const uuid = oneUuid(words);
    const facts = definedOnly({
      type: ifGiven("--type", values.type, checkedType),
      customer: ifGiven("--customer", values.customer, uuidOrNone),
      project: ifGiven("--project", values.project, uuidOrNone),
      backingResource: ifGiven("--backing-resource", values["backing-resource"], uuidOrNone),
    });
    if (Object.keys(facts).length === 0) throw new Failure("Nothing is set. Give at least one option.", WRONG_USAGE);
    await query(target, setObject(builder, uuid, facts, microsecondsNow()));
    console.error(`The object ${uuid} is set.`);
  },
});

const forget = command({
  name: "objects forget",
  usage: "UUID",
  help: `Deletes what is known of an object. Users whose roles are on its customer or project do not see its events then,
until an event says again where it belongs. The API applies the change within a minute.`,
  options: {},
  takesWords: true,
  async run({ target, words }) {
    const uuid = oneUuid(words);
    const gone = await query(target, forgetObject(builder, uuid));
    if (gone.length === 0) throw new Failure(`Nothing is known of the object ${uuid}.`);
    console.error(`The object ${uuid} is forgotten.`);
  },
});

const moves = command({
  name: "objects moves",
  usage: "[--limit N] [--json]",
  help: `Lists the objects whose customer an event has changed, the newest first, with the producer and the event that said
so. Default: the last ${DEFAULT_MOVES}.`,
  options: { ...JSON_OPTION, limit: { type: "string", default: DEFAULT_MOVES } },
  async run({ target, values }) {
    const limit = checkedNumber("--limit", values.limit, MAX_LIMIT_DIGITS);
    printList({
      rows: await query(target, selectMoves(builder, limit)),
      json: values.json,
      none: "No object has changed its customer.",
      headings: ["when (UTC)", "object", "from customer", "to customer", "producer", "event"],
      cells: (row) => [
        shortTime(row.received_at),
        row.object,
        row.old_customer,
        row.new_customer,
        row.producer,
        row.event,
      ],
    });
  },
});

export const objectCommands = [show, set, forget, moves, learn];

function oneUuid([word, ...others]: readonly string[]): string {
  if (word === undefined || others.length > 0) throw new Failure("Give one UUID.", WRONG_USAGE);
  return checkedUuid("The UUID", word);
}

const uuidOrNone = (option: string, text: string): string | null =>
  text === "none" ? null : checkedUuid(option, text);

function checkedType(option: string, text: string): string {
  if (scopeTypeNames.includes(text)) return text;
  throw wrongOption(option, "a type of GET /api/events/scope_types/", text);
}
