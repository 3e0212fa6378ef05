import { createInterface } from "node:readline";

/** The number of lines that the message of a failure contains. */
const MAX_KEPT_LINES = 100;

const HEALTH_CHECK = /^\[wrangler:info\] GET \/(healthz|cdn-cgi\/local\/scheduled) 200/;
const PROBLEM = /"level":"(error|warn)"|\[(wrangler:)?(ERROR|error)\]|^✘/;
const REQUEST = /^(\[wrangler:info\] [A-Z]+ )(\S+)/;
/** A path after a space, a quote or an origin. In a stack, the path of a file has other letters before it. */
const PATH = /([\s"'(]|https?:\/\/[^\s/]+)(\/[^\s"')]+)/gi;
const SLASHES = /(?:\/|\\|%(?:25)*(?:2f|5c))+/i;
const INGEST = /ingest/i;
const PRODUCER = /^[\w.-]+$/;
const WITHOUT_SECRETS = new Set(["", "api", "cdn-cgi", "healthz", "openapi.json"]);

/** Prints the output of the local server: only problems until `showAll`, then every line but those of health checks. */
export class ServerLog {
  readonly #kept: string[] = [];
  #all = false;

  /** The last lines, including those that were not printed. */
  get tail(): string {
    return this.#kept.join("\n");
  }

  showAll(): void {
    this.#all = true;
  }

  read(stream: NodeJS.ReadableStream | null): void {
    if (stream === null) return;
    createInterface({ input: stream }).on("line", (line) => this.#add(masked(line)));
  }

  #add(line: string): void {
    this.#kept.push(line);
    if (this.#kept.length > MAX_KEPT_LINES) this.#kept.shift();
    if (this.#all ? !HEALTH_CHECK.test(line) : PROBLEM.test(line)) console.log(line);
  }
}

/**
 * The line without the secrets that a client may have put into a URL, whatever it has encoded or misspelt. Of the path of
 * a request, only those of the API and the names of producers remain; other lines lose what follows `ingest` in a path.
 */
export const masked = (line: string): string =>
  line
    .replace(REQUEST, (_, start: string, path: string) => start + withoutSecret(path))
    .replace(PATH, (text, start: string, path: string) => (INGEST.test(path) ? start + withoutSecret(path) : text));

function withoutSecret(path: string): string {
  const [, first = "", second = "", ...more] = path.split(SLASHES);
  if (WITHOUT_SECRETS.has(first) && !INGEST.test(path)) return path;
  if (first !== "ingest" || !PRODUCER.test(second)) return "/…";
  return more.length > 0 ? `/ingest/${second}/…` : `/ingest/${second}`;
}
