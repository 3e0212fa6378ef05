import { parseArgs } from "node:util";
import { checkedNumber, checkedUuid, wrongOption } from "../admin/options.ts";
import { checkedTime } from "../admin/time.ts";
import { Failure, WRONG_USAGE } from "../failure.ts";
import type { Environment } from "../settings.ts";
import { isOffset } from "./answer.ts";
import type { Source } from "./read.ts";
import { HINT } from "./usage.ts";

const MAX_FILTERS = 200;
/** Of a value, in characters. */
const MAX_VALUE_LENGTH = 1_000;
/** Of all filters in the URL, in characters. Servers take URLs of 8 to 16 kB. */
const MAX_QUERY_LENGTH = 7_000;
const MAX_LIMIT_DIGITS = 9;

const DEFAULT_BACK_OFF_MS = 500;
const MAX_BACK_OFF_DIGITS = 5;
/** The server lets a live request wait for less than a minute. */
const TIMEOUT_MS = 90_000;

const MICROSECONDS_PER_SECOND = 1_000_000;

export interface Options {
  source: Source;
  /** `-1`, `now` or an offset; undefined: not given. */
  from: string | undefined;
  /** A path. */
  state: string | undefined;
  /** undefined: it depends on the output. */
  format: "ndjson" | "pretty" | undefined;
  /** Messages to print at most. */
  limit: number;
  once: boolean;
  /** The longest pause after a first failure. */
  backOffMs: number;
}

const TEXT = { type: "string" } as const;
const TEXTS = { type: "string", multiple: true } as const;
const FLAG = { type: "boolean" } as const;

const FILTERS = {
  customer: TEXT,
  project: TEXT,
  user: TEXT,
  "related-user": TEXT,
  scope: TEXT,
  type: TEXTS,
  feature: TEXTS,
  message: TEXT,
  "auth-method": TEXT,
  pat: TEXT,
  "created-from": TEXT,
  "created-to": TEXT,
} as const;

type FilterName = keyof typeof FILTERS;

type Check = (option: string, text: string) => string;

/** Option → parameter of the feed, and how its value is checked. */
const PARAMETERS: Readonly<Record<FilterName, readonly [name: string, check: Check]>> = {
  customer: ["customer_uuid", checkedUuid],
  project: ["project_uuid", checkedUuid],
  user: ["user_uuid", checkedUuid],
  "related-user": ["related_user_uuid", checkedUuid],
  scope: ["scope", checkedText],
  type: ["event_type", checkedText],
  feature: ["feature", checkedText],
  message: ["message", checkedText],
  "auth-method": ["auth_method", checkedText],
  pat: ["pat_uuid", checkedUuid],
  "created-from": ["created_from", checkedSeconds],
  "created-to": ["created_to", checkedSeconds],
};

type Values = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

/** Reads arguments and environment. Throws a Failure; undefined when help is asked for. */
export function readOptions(args: readonly string[], env: Environment): Options | undefined {
  const values = parsed(args);
  if (values.help === true) return undefined;
  const source = { url: feedOf(values, env), token: tokenOf(values, env), filters: filtersOf(values) };
  return {
    source: { ...source, timeoutMs: TIMEOUT_MS },
    from: fromOf(given(values, "from")),
    state: given(values, "state"),
    format: formatOf(given(values, "format")),
    limit: limitOf(given(values, "limit")),
    once: values.once === true,
    backOffMs: backOffOf(env),
  };
}

function parsed(args: readonly string[]): Values {
  const own = { url: TEXT, token: TEXT, from: TEXT, state: TEXT, format: TEXT, limit: TEXT, once: FLAG };
  const help = { type: "boolean", short: "h" } as const;
  try {
    return parseArgs({ args: [...args], options: { ...own, ...FILTERS, help } }).values;
  } catch (error) {
    throw new Failure(`${error instanceof Error ? error.message : error}\n${HINT}`, WRONG_USAGE);
  }
}

function given(values: Values, name: string): string | undefined {
  const value = values[name];
  if (value === "") throw wrongOption(`--${name}`, "a value", "");
  return typeof value === "string" ? value : undefined;
}

function feedOf(values: Values, env: Environment): string {
  const text = given(values, "url") ?? env.EDGE_EVENTS_URL;
  if (!text) throw new Failure(`Give the server with --url or EDGE_EVENTS_URL.\n${HINT}`, WRONG_USAGE);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain =
    url && /^https?:$/.test(url.protocol) && `${url.username}${url.password}${url.search}${url.hash}` === "";
  if (!isPlain) throw new Failure("The URL must be like https://events.example.com, without a query.", WRONG_USAGE);
  return `${url.href}${url.href.endsWith("/") ? "" : "/"}api/events/feed/`;
}

/** The texts of errors do not repeat it. */
function tokenOf(values: Values, env: Environment): string {
  const token = given(values, "token") ?? env.EDGE_EVENTS_TOKEN;
  if (!token) throw new Failure(`Give the token with EDGE_EVENTS_TOKEN or --token.\n${HINT}`, WRONG_USAGE);
  if (/^[\x21-\x7e]+$/.test(token) && token.length <= MAX_VALUE_LENGTH) return token;
  throw new Failure(
    `The token must be 1 to ${MAX_VALUE_LENGTH} printable ASCII characters without spaces.`,
    WRONG_USAGE,
  );
}

function filtersOf(values: Values): [string, string][] {
  const filters = Object.entries(PARAMETERS).flatMap(([option, [name, check]]) => {
    const value = values[option] ?? [];
    const texts = typeof value === "object" ? value : [String(value)];
    return texts.map((text): [string, string] => [name, check(`--${option}`, text)]);
  });
  const isShort = new URLSearchParams(filters).toString().length <= MAX_QUERY_LENGTH;
  if (filters.length <= MAX_FILTERS && isShort) return filters;
  throw new Failure(
    `The filters are too many: at most ${MAX_FILTERS} are allowed, and ${MAX_QUERY_LENGTH} characters in the URL.`,
    WRONG_USAGE,
  );
}

function checkedText(option: string, text: string): string {
  if (text !== "" && text.length <= MAX_VALUE_LENGTH) return text;
  throw wrongOption(option, `1 to ${MAX_VALUE_LENGTH} characters`, text.slice(0, MAX_VALUE_LENGTH));
}

/** Returns Unix seconds. */
function checkedSeconds(option: string, text: string): string {
  if (/^\d{1,12}$/.test(text)) return text;
  return String(Math.floor(checkedTime(option, text) / MICROSECONDS_PER_SECOND));
}

function fromOf(text: string | undefined): string | undefined {
  if (text === "beginning") return "-1";
  if (text === undefined || isOffset(text)) return text;
  throw wrongOption("--from", "beginning, now or an offset", text.slice(0, MAX_VALUE_LENGTH));
}

function formatOf(text: string | undefined): Options["format"] {
  if (text === undefined || text === "ndjson" || text === "pretty") return text;
  throw wrongOption("--format", "ndjson or pretty", text);
}

function limitOf(text: string | undefined): number {
  if (text === undefined) return Number.POSITIVE_INFINITY;
  const limit = checkedNumber("--limit", text, MAX_LIMIT_DIGITS);
  if (limit > 0) return limit;
  throw wrongOption("--limit", "a number from 1 on", text);
}

function backOffOf({ EDGE_EVENTS_BACK_OFF_MS: text }: Environment): number {
  return text ? checkedNumber("EDGE_EVENTS_BACK_OFF_MS", text, MAX_BACK_OFF_DIGITS) : DEFAULT_BACK_OFF_MS;
}
