import { stripVTControlCharacters } from "node:util";
import { Failure } from "../failure.ts";
import type { Finished } from "../wrangler.ts";

/** Characters of what wrangler said. */
const MAX_LENGTH = 300;

/** Environment variables of wrangler with a credential. */
const CREDENTIALS = ["CLOUDFLARE_API_TOKEN", "CLOUDFLARE_API_KEY", "CF_API_TOKEN", "CF_API_KEY"];

/** Lines that wrangler prints with every error. */
const NOISE =
  /^(?:🪵|If you think this is a bug|https:\/\/github\.com\/cloudflare\/workers-sdk|To continue without logging in)/u;

const LOG_IN = "Run npx wrangler login, or set CLOUDFLARE_API_TOKEN.";
const RIGHTS = "The token needs the rights to edit Workers Scripts, Queues, D1 and Workers R2 Storage.";

/** What wrangler or Cloudflare's API says → what to do. The first that fits counts. */
const ADVICE: readonly [says: RegExp, advice: string][] = [
  [/necessary to set a CLOUDFLARE_API_TOKEN|not logged in|did not login/i, LOG_IN],
  [/more than one account/i, "Set CLOUDFLARE_ACCOUNT_ID to one of those that npx wrangler whoami lists."],
  [/enable R2|code: 10042/i, "Enable R2 in Cloudflare's dashboard; it asks for a way to pay."],
  [/register a workers\.dev subdomain|code: 10063/i, "Open Workers & Pages in Cloudflare's dashboard once."],
  [/code: (?:10000|9109|10001|7403)\]|authentication error|unauthorized/i, RIGHTS],
  [
    /maximum number|reached the (?:limit|maximum)|too many|code: 7406/i,
    "Delete what is not needed, or raise the limit.",
  ],
  [/timed? ?out|exceeded|overloaded/i, "Wait for a minute."],
  [/unable to resolve|fetch failed|ECONN|ENOTFOUND|network/i, "Check the connection to the Internet."],
];

/** A failed step in one line: what happened, in wrangler's words without any credential, and what to do. */
export function refusal(what: string, finished: Finished): Failure {
  const said = withoutCredentials(errorIn(finished));
  const advice = ADVICE.find(([says]) => says.test(said))?.[1] ?? "Correct the cause.";
  return new Failure(`${what}: ${said || "wrangler does not say why"} ${advice} Then run npm run deploy again.`);
}

/** The text after `[ERROR]`, or else all that was printed, in one line. */
function errorIn({ stdout, stderr }: Finished): string {
  const printed = stripVTControlCharacters(stderr.trim() === "" ? stdout : stderr);
  const start = printed.lastIndexOf("[ERROR]");
  const lines = (start < 0 ? printed : printed.slice(start + "[ERROR]".length)).split("\n").map((line) => line.trim());
  const text = lines.filter((line) => line !== "" && !NOISE.test(line)).join(" ");
  return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text;
}

export const withoutCredentials = (text: string, ...others: string[]): string =>
  [...others, ...CREDENTIALS.map((name) => process.env[name] ?? "")]
    .filter((secret) => secret !== "")
    .reduce((result, secret) => result.replaceAll(secret, "…"), text);
