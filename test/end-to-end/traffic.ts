import { setTimeout as sleep } from "node:timers/promises";

/** Between two requests of a kind, milliseconds: an ordinary client. */
const PAUSE_MS = 20;
const TIMEOUT_MS = 10_000;
/** Without a success of a kind, nothing is waited for any more. */
const STUCK_MS = 60_000;

interface Answer {
  /** Milliseconds, of performance.now(): when it came. */
  at: number;
  /** 0 without an answer. */
  status: number;
}

/** Of a kind of requests. */
interface Report {
  answers: number;
  /** Answers that were no success, with what they were. */
  refused: number;
  statuses: string;
  /** The longest time without a success: seconds. */
  longest: number;
}

/** Requests of some kinds, one after the other of each kind and all kinds at once, until they are stopped. */
export class Traffic {
  readonly #answers = new Map<string, Answer[]>();
  readonly #loops: Promise<void>[] = [];
  #isOver = false;

  /** Sends requests of a kind. `sent` is called with the number of the request and the status of its answer. */
  start(kind: string, request: (number: number) => Promise<Response>, sent = (_number: number, _status: number) => {}) {
    const answers: Answer[] = [];
    this.#answers.set(kind, answers);
    this.#loops.push(this.#loop(answers, request, sent));
  }

  /** Returns when each kind has so many successes more. Throws an error when one has none for too long. */
  async more(count: number): Promise<void> {
    const before = new Map([...this.#answers].map(([kind, answers]) => [kind, answers.length]));
    for (let left = [...this.#answers]; left.length > 0; ) {
      await sleep(PAUSE_MS);
      left = left.filter(([kind, answers]) => answers.slice(before.get(kind)).filter(isSuccess).length < count);
      const stuck = left.find(([, answers]) => performance.now() - lastSuccess(answers) > STUCK_MS);
      if (stuck) throw new Error(`${stuck[0]}: only ${stuck[1].at(-1)?.status} for ${STUCK_MS / 1000} s.`);
    }
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#loops);
  }

  report(): Record<string, Report> {
    return Object.fromEntries([...this.#answers].map(([kind, answers]) => [kind, reportOf(answers)]));
  }

  async #loop(answers: Answer[], request: (number: number) => Promise<Response>, sent: (n: number, s: number) => void) {
    for (let number = 0; !this.#isOver; number++) {
      const status = await statusOf(request(number));
      answers.push({ at: performance.now(), status });
      sent(number, status);
      await sleep(PAUSE_MS);
    }
  }
}

async function statusOf(request: Promise<Response>): Promise<number> {
  try {
    const response = await request;
    await response.arrayBuffer();
    return response.status;
  } catch {
    return 0;
  }
}

const isSuccess = ({ status }: Answer): boolean => status >= 200 && status < 300;

const lastSuccess = (answers: readonly Answer[]): number =>
  answers.findLast(isSuccess)?.at ?? answers[0]?.at ?? performance.now();

function reportOf(answers: readonly Answer[]): Report {
  const refused = answers.filter((answer) => !isSuccess(answer));
  const successes = answers.flatMap((answer, index) => (isSuccess(answer) ? [index] : []));
  const gaps = successes.map((index, nth) => {
    const before = successes[nth - 1] ?? index;
    return index - before > 1 ? (answers[index]?.at ?? 0) - (answers[before]?.at ?? 0) : 0;
  });
  const longest = Number((Math.max(0, ...gaps) / 1000).toFixed(1));
  const statuses = [...new Set(refused.map(({ status }) => status))].join(", ") || "none";
  return { answers: answers.length, refused: refused.length, statuses, longest };
}

/** A signal for a request that hangs. */
export const deadline = (): AbortSignal => AbortSignal.timeout(TIMEOUT_MS);
