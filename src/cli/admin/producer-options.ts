import { DEFAULT_TOLERANCE, FORMAT_NAMES, type FormatName } from "../../ingest/producers/schemes.ts";
import type { producers } from "../../ingest/table.ts";
import { definedOnly } from "../../values/defined.ts";
import { checkedNumber, checkedUuid, ifGiven, wrongOption } from "./options.ts";

const MAX_NUMBER_DIGITS = 9;
/** Characters of one type, as in events. */
const MAX_TYPE_LENGTH = 100;

/** The options for the rights and limits of a producer. */
export const RULES = {
  tolerance: { type: "string" },
  "tells-places": { type: "boolean" },
  "is-upstream": { type: "boolean" },
  format: { type: "string" },
  types: { type: "string" },
  customers: { type: "string" },
  "max-rate": { type: "string" },
  "daily-quota": { type: "string" },
  "max-backlog": { type: "string" },
} as const;

export const RULES_USAGE = `[--tells-places] [--is-upstream] [--format FORMAT] [--types LIST]
    [--customers LIST] [--max-rate N] [--daily-quota N] [--max-backlog N] [--tolerance SECONDS]`;

export const RULES_HELP = `--tells-places: its events say where objects belong, and so who may see their events. --is-upstream: its uuids replace those
of other producers for the same events. Both only for a Waldur;
--no-tells-places and --no-is-upstream take them back. --types and --customers limit what it may send: names or
UUIDs, separated by commas; a type may end in *. --max-rate is events a minute in each isolate, --daily-quota events a day.
FORMAT is ${FORMAT_NAMES.join(", ")}; a producer that signs has one, json unless given. none removes a limit.`;

/** The options as parseArgs returns them. */
type Given = {
  readonly [Option in keyof typeof RULES]?:
    | ((typeof RULES)[Option]["type"] extends "boolean" ? boolean : string)
    | undefined;
};

type Row = typeof producers.$inferInsert;
type Rules = Partial<Omit<Row, "name" | "auth" | "secrets" | "isActive" | "created" | "updated">>;

/** The columns of the given options. Throws a Failure that names the option. */
export function rulesOf(values: Given): Rules {
  return definedOnly({
    tolerance: ifGiven("--tolerance", values.tolerance, (option, text) => limit(option, text) ?? DEFAULT_TOLERANCE),
    tellsPlaces: flag(values["tells-places"]),
    isUpstream: flag(values["is-upstream"]),
    format: ifGiven("--format", values.format, checkedFormat),
    types: ifGiven("--types", values.types, listOf(checkedType)),
    customers: ifGiven("--customers", values.customers, listOf(checkedUuid)),
    maxRate: ifGiven("--max-rate", values["max-rate"], limit),
    dailyQuota: ifGiven("--daily-quota", values["daily-quota"], limit),
    maxBacklog: ifGiven("--max-backlog", values["max-backlog"], limit),
  });
}

const flag = (given: boolean | undefined): number | undefined => (given === undefined ? undefined : Number(given));

const limit = (option: string, text: string): number | null =>
  text === "none" ? null : checkedNumber(option, text, MAX_NUMBER_DIGITS);

function checkedFormat(option: string, text: string): FormatName | null {
  if (text === "none") return null;
  const format = FORMAT_NAMES.find((name) => name === text);
  if (format === undefined) throw wrongOption(option, `none or one of ${FORMAT_NAMES.join(", ")}`, text);
  return format;
}

/** What removes a limit; `producers list` and the READMEs call that "any". */
const NO_LIMIT = ["none", "any"];

/** A JSON array; null for no limit. */
const listOf =
  (check: (option: string, text: string) => string) =>
  (option: string, text: string): string | null =>
    NO_LIMIT.includes(text) ? null : JSON.stringify(text.split(",").map((entry) => check(option, entry.trim())));

function checkedType(option: string, text: string): string {
  if (text.length > 0 && text.length <= MAX_TYPE_LENGTH && !/\*./.test(text)) return text;
  throw wrongOption(option, `none or types of 1 to ${MAX_TYPE_LENGTH} characters, with * only at their end`, text);
}

/** The rules of a row of the table in a few words; `-` for none. */
export function describeRules(row: Readonly<Record<string, unknown>>): string {
  const words = [
    row.tells_places === 1 ? "tells places" : "",
    row.is_upstream === 1 ? "is upstream" : "",
    row.format ? `format ${row.format}` : "",
    row.types ? `types ${JSON.parse(String(row.types)).join(",")}` : "",
    row.customers ? `customers ${JSON.parse(String(row.customers)).join(",")}` : "",
    row.max_rate === null ? "" : `${row.max_rate}/min`,
    row.daily_quota === null ? "" : `${row.daily_quota}/day`,
    row.max_backlog === null ? "" : `backlog ${row.max_backlog}`,
  ];
  return words.filter(Boolean).join("; ") || "-";
}
