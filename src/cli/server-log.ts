import { createInterface } from "node:readline";

/** Lines kept for the message of a failure. */
const MAX_KEPT_LINES = 100;

const HEALTH_CHECK = /^\[wrangler:info\] GET \/(healthz|cdn-cgi\/local\/scheduled) 200/;
const PROBLEM = /"level":"(error|warn)"|\[(wrangler:)?(ERROR|error)\]|^✘/;
const SECRET_IN_URL = /(\/ingest\/[^/\s]+\/)[^\s?]+/;

/** What wrangler dev prints: problems only until `showAll`, then every line that is not about health checks. */
export class ServerLog {
  readonly #kept: string[] = [];
  #all = false;

  /** The last lines, shown or not. */
  get tail(): string {
    return this.#kept.join("\n");
  }

  showAll(): void {
    this.#all = true;
  }

  read(stream: NodeJS.ReadableStream | null): void {
    if (stream === null) return;
    createInterface({ input: stream }).on("line", (line) => this.#take(line.replace(SECRET_IN_URL, "$1…")));
  }

  #take(line: string): void {
    this.#kept.push(line);
    if (this.#kept.length > MAX_KEPT_LINES) this.#kept.shift();
    if (this.#all ? !HEALTH_CHECK.test(line) : PROBLEM.test(line)) console.log(line);
  }
}
