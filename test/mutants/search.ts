import type { Mutant } from "./mutant.ts";

/** Bugs of searches: their totals and pages. */
export const searchMutants: readonly Mutant[] = [
  {
    bug: "A long text is not compared with the message.",
    file: "src/events/search/match.ts",
    search: "message === undefined || isGram(message) ? {} : { message }",
    replace: "message === undefined || isGram(message) ? {} : {}",
    tests: ["test/events/search"],
  },
  {
    bug: "A text of four letters counts as a gram.",
    file: "src/events/search/terms.ts",
    search: "[...folded].length <= GRAM",
    replace: "[...folded].length <= GRAM + 1",
    tests: ["test/events/search", "test/events/filters"],
  },
  {
    bug: "The last triple of a message is not indexed.",
    file: "src/events/search/terms.ts",
    search: "if (index > 1) grams.add",
    replace: "if (index > 1 && index < letters.length - 1) grams.add",
    tests: ["test/events/search", "test/events/model"],
  },
  {
    bug: "A kept total counts the event at its own id again.",
    file: "src/events/search/window.ts",
    search: "max(${min}, ${after} + 1)",
    replace: "max(${min}, ${after})",
    tests: ["test/events/search"],
  },
  {
    bug: "A kept total of an earlier epoch is used.",
    file: "src/events/search/state.ts",
    search: "known.query = ${key} AND known.epoch = log.epoch",
    replace: "known.query = ${key}",
    tests: ["test/events/search"],
  },
  {
    bug: "Matches that two requests have counted are kept twice.",
    file: "src/events/search/kept-totals.ts",
    search: "AND is_listed = 1), 0) = ${after}",
    replace: "AND is_listed = 1), 0) >= 0",
    tests: ["test/events/search"],
  },
  {
    bug: "A part of the matches that ends in the page is left out.",
    file: "src/events/search/place.ts",
    search: "startingUpTo(last, true) <= skip",
    replace: "startingUpTo(last, true) <= skip + 1",
    tests: ["test/events/search/place"],
  },
  {
    bug: "A page of a search is looked for along the whole log.",
    file: "src/events/list/search.ts",
    search: "if (matches.parts !== undefined) return",
    replace:
      "if (matches.parts !== undefined) return { matches, rows: await this.#wholeList() };\n    if (matches.parts !== undefined) return",
    tests: ["test/events/search/distributions"],
  },
  {
    bug: "A client who has spent its rows may go on.",
    file: "src/events/search/read.ts",
    search: "if (budget?.isSpent()) throw budget.refusal();",
    replace: "",
    tests: ["test/events/search/row-budget"],
  },
  {
    bug: "A cursor of a search repeats its own event.",
    file: "src/events/search/place.ts",
    search: "compare(key, after) > 0",
    replace: "compare(key, after) >= 0",
    tests: ["test/events/page-token", "test/events/search", "test/events/list"],
  },
];
