import { createInterface } from "node:readline";

/** The number of lines that the message of a failure contains. */
const MAX_KEPT_LINES = 100;

const HEALTH_CHECK = /^\[wrangler:info\] GET \/(healthz|cdn-cgi\/local\/scheduled) 200/;
const PROBLEM = /"level":"(error|warn)"|\[(wrangler:)?(ERROR|error)\]|^✘/;
const SECRET_IN_URL = /(\/ingest\/[^/\s]+\/)[^\s?]+/;

/** Prints the output of wrangler dev: only problems until `showAll`, then every line but those of health checks. */
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
    createInterface({ input: stream }).on("line", (line) => this.#add(line.replace(SECRET_IN_URL, "$1…")));
  }

  #add(line: string): void {
    this.#kept.push(line);
    if (this.#kept.length > MAX_KEPT_LINES) this.#kept.shift();
    if (this.#all ? !HEALTH_CHECK.test(line) : PROBLEM.test(line)) console.log(line);
  }
}
