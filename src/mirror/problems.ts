/** What Waldur's answer, or our own side, can be wrong with: a word, what follows from it, and its sentence. */
const PROBLEMS = {
  /** Nobody but an operator can help. */
  refused: ["stop", "Waldur refuses the token: make a new one, and run `mirror resume`."],
  another_upstream: [
    "stop",
    "WALDUR_URL is another Waldur than the one that was read: run `mirror start --anew`, which forgets what was read.",
  ],
  bad_url: ["stop", "WALDUR_URL is not a valid URL: correct it, and run `mirror resume`."],
  /** Waits: Waldur, or our queue, is not there at present. */
  no_answer: ["wait", "Waldur did not answer, or its answer broke off."],
  server_error: ["wait", "Waldur answered with an error."],
  throttled: ["wait", "Waldur asked for a pause."],
  not_found: ["wait", "There is no events API below WALDUR_URL."],
  redirected: ["wait", "Waldur answered with a redirect, which the mirror does not follow: correct WALDUR_URL."],
  no_json: ["wait", "Waldur answered with a page for people, not with events: is WALDUR_URL right?"],
  queue: ["wait", "Our own queue did not take the events."],
  /** Bad: this part of the history cannot be used as it was answered. After some tries, it is put aside. */
  half_page: ["bad", "Waldur's answer ended in the middle."],
  no_events: ["bad", "Waldur's answer is JSON, and is no list of events."],
  no_count: ["bad", "Waldur's answer has no usable X-Result-Count."],
  short_page: ["bad", "A page of Waldur has fewer or more events than its X-Result-Count promises."],
  repeated: ["bad", "Waldur gave the same event twice in one range of time."],
  shifted: ["bad", "The number of Waldur's events changed while they were read."],
  no_uuid: ["bad", "Waldur gave an event without a uuid."],
  no_time: ["bad", "Waldur gave an event without a time, or of another time than was asked for."],
  too_large: ["bad", "One event of Waldur is larger than the mirror reads."],
} as const;

export type ProblemCode = keyof typeof PROBLEMS;

/** Why the mirror cannot go on with what it is doing. The message is a sentence without secrets. */
export class MirrorProblem extends Error {
  readonly code: ProblemCode;
  /** Milliseconds that Waldur wants to be left alone, if it said so. */
  readonly retryAfterMs: number | undefined;

  constructor(code: ProblemCode, detail = "", retryAfterMs?: number) {
    super(`${PROBLEMS[code][1]}${detail === "" ? "" : ` (${detail})`}`);
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }

  get consequence(): "stop" | "wait" | "bad" {
    return PROBLEMS[this.code][0];
  }
}

/** The slice has used what it may use; the next one goes on. */
export class SliceOver extends Error {}
