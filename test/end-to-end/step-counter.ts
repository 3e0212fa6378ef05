import { Session } from "node:inspector/promises";

/** Scripts whose steps count: ours, and the libraries that they run. */
const COUNTED = /\/src\/|\/node_modules\/(hono|valibot|drizzle-orm)\//;

/**
 * Built-in methods that look at every letter or item of what they are called on. Not `indexOf` of texts: Node's own
 * URLSearchParams calls it so often that its work is not linear, unlike that of workerd, which is not written in JavaScript.
 */
const WHOLE: readonly [prototype: object, methods: readonly (string | symbol)[]][] = [
  [String.prototype, ["split", "replace", "replaceAll", "trim", "toLowerCase", "toUpperCase", "isWellFormed"]],
  [String.prototype, ["toWellFormed", "includes", Symbol.iterator]],
  [Array.prototype, ["includes", "indexOf", "find", "some", "every", "map", "filter", "flatMap", "reduce", "join"]],
  [Array.prototype, ["concat", "sort", "toSorted", Symbol.iterator]],
  [Object.getPrototypeOf(Uint8Array.prototype), ["findIndex", "indexOf"]],
];

type Method = (this: unknown, ...given: unknown[]) => unknown;

/** The steps of a call of a built-in method. `start`: the `lastIndex` of an expression before the call. */
type Cost = (self: unknown, given: readonly unknown[], result: unknown, start: number) => number;

/**
 * Counts the steps of our code, so that its work can be compared without a clock: how often each block ran, and one step
 * for each letter or item that a built-in method looked at. The same work gives the same number each time.
 */
export class StepCounter {
  readonly #session = new Session();
  readonly #restore: (() => void)[] = [];
  #charged = 0;

  async start(): Promise<void> {
    this.#session.connect();
    await this.#session.post("Profiler.enable");
    await this.#session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
    for (const [prototype, methods] of WHOLE) for (const method of methods) this.#charge(prototype, method, length);
    this.#charge(RegExp.prototype, "exec", matched);
  }

  async stop(): Promise<void> {
    for (const restore of this.#restore) restore();
    await this.#session.post("Profiler.stopPreciseCoverage");
    this.#session.disconnect();
  }

  /** The steps since the last call. */
  async take(): Promise<number> {
    const { result } = await this.#session.post("Profiler.takePreciseCoverage");
    const functions = result.filter(({ url }) => COUNTED.test(url)).flatMap((script) => script.functions);
    const blocks = functions.flatMap(({ ranges }) => ranges);
    const steps = blocks.reduce((sum, { count }) => sum + count, this.#charged);
    this.#charged = 0;
    return steps;
  }

  /** Adds the cost of each call of a built-in method. */
  #charge(prototype: object, method: string | symbol, cost: Cost): void {
    const descriptor = Object.getOwnPropertyDescriptor(prototype, method) ?? {};
    const original: Method = descriptor.value;
    const add = (steps: number) => {
      this.#charged += steps;
    };
    const charged: Method = function (...given) {
      const start = this instanceof RegExp ? this.lastIndex : 0;
      const result = Reflect.apply(original, this, given);
      add(cost(this, given, result, start));
      return result;
    };
    Object.defineProperty(prototype, method, { ...descriptor, value: charged });
    this.#restore.push(() => Object.defineProperty(prototype, method, descriptor));
  }
}

const length: Cost = (self) => (self as ArrayLike<unknown>).length;

/** The whole text; for an expression that goes on where it stopped, from there to the end of the match. */
const matched: Cost = (self, given, result, start) => {
  const { global, sticky, lastIndex } = self as RegExp;
  if (sticky) return Math.max(0, lastIndex - start);
  const end = global && result !== null ? lastIndex : String(given[0]).length;
  return end - (global ? start : 0);
};
