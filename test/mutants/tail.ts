import type { Mutant } from "./mutant.ts";

/** What the collector must not do. Bugs that only a process shows are not here: these tests run in workerd. */
export const tailMutants: readonly Mutant[] = [
  {
    bug: "The collector takes an answer that was cut off for a whole one.",
    file: "src/cli/tail/answer.ts",
    search: 'op !== "control" || typeof',
    replace: "typeof",
    tests: ["test/cli"],
  },
  {
    bug: "The collector takes any text for an offset.",
    file: "src/cli/tail/answer.ts",
    search: "export const isOffset = (text: string): boolean => OFFSET.test(text);",
    replace: "export const isOffset = (text: string): boolean => OFFSET.test(text) || text.length < 256;",
    tests: ["test/cli"],
  },
  {
    bug: "The collector's pauses grow without end.",
    file: "src/cli/tail/back-off.ts",
    search: "Math.min(MAX_PAUSE_MS, this.#baseMs * 2 ** this.#failures)",
    replace: "this.#baseMs * 2 ** this.#failures",
    tests: ["test/cli"],
  },
  {
    bug: "The collector asks again before the server wants it.",
    file: "src/cli/tail/back-off.ts",
    search: "return askedMs + this.#random() * longest;",
    replace: "return Math.min(askedMs, this.#random() * longest);",
    tests: ["test/cli"],
  },
  {
    bug: "A message reaches the terminal with the control characters beyond ASCII.",
    file: "src/cli/tail/printable.ts",
    search: "\\x7f-\\x9f",
    replace: "\\x7f",
    tests: ["test/cli"],
  },
];
