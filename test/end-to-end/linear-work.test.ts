import assert from "node:assert/strict";
import { timingSafeEqual } from "node:crypto";
import { after, before, describe, it, mock } from "node:test";
import { StepCounter } from "./step-counter.ts";

/** As test/security/text-fields.ts exports it; its types are those of workerd, which Node's contradict. */
interface TextField {
  name: string;
  send: (text: string) => Promise<number | undefined>;
  isHeader?: boolean;
  isList?: boolean;
}

// Only workerd has it.
Object.assign(crypto.subtle, { timingSafeEqual });
const { TEXT_FIELDS }: { TEXT_FIELDS: readonly TextField[] } = await import(
  new URL("../security/text-fields.ts", import.meta.url).href
);

/** Each of them is what some parser looks for. Few together, so that one that costs much stands out. */
const UNITS = [
  ["{", "}", "[", '{"a":', '{"a":1},', "1,"],
  ['"', '\\"', "\\", ":", ",", "; q=0,"],
  ["-", "_", "1_", "+", ".", "1"],
  [" ", "\t", "\n", "\n\n1", "\0", "a"],
  ["%", "%41", "/", "a/", "&", "a=1&"],
  ["feature=users&", "event_type=a&", "é", "ß", "😀", "\ud800"],
  ["urn:", "uurn:rn:", "uuid:", "v1,AAAA ", "bearer ", "0e"],
];
/** Letters. Both are shorter than the longest value of a query, so that no limit makes a text cheap. */
const [SHORT, LONG] = [200, 1_600];
/** Eight times the text may take eight times the steps, and a little more where something is sorted; 64 is quadratic. */
const MAX_GROWTH = 9;
/** Letters of a list with far more events than a request may have. */
const LONG_LIST = 100_000;
/** What it takes to read a list: its letters, lines and items are looked at once by each of a few built-in methods. */
const MAX_STEPS_PER_LETTER = 9;

const HEADER_TEXT = /^[\t\x20-\x7e\x80-\xff]*$/;

const counter = new StepCounter();

before(async () => {
  for (const name of ["log", "warn", "error"] as const) mock.method(console, name, () => {});
  await counter.start();
});

after(async () => {
  await counter.stop();
  mock.restoreAll();
});

it("a text arrives: the user and the producer who send it are let in", async () => {
  const sent = (name: string) => TEXT_FIELDS.find((field) => field.name === name)?.send("a");
  assert.equal(await sent("the parameter message of /api/events/"), 200);
  assert.equal(await sent("message in application/json"), 202);
  assert.equal(await sent("the header ce-subject"), 202);
});

describe("a repeated text never takes more than linear work in", () => {
  for (const field of TEXT_FIELDS) {
    it(field.name, async () => {
      // What is read only once.
      await field.send("a");
      for (const units of UNITS) {
        const grown = await growth(field, units);
        assert.ok(grown <= MAX_GROWTH, `${grown.toFixed(1)} times the steps for one of ${JSON.stringify(units)}`);
      }
    });
  }
});

describe("a list of too many events never takes more work than counting them, in", () => {
  for (const field of TEXT_FIELDS.filter(({ isList }) => isList)) {
    it(field.name, async () => {
      for (const unit of ["1,", "\n", "\n1"]) {
        const count = (await steps(field, [unit], LONG_LIST)) / LONG_LIST;
        assert.ok(count < MAX_STEPS_PER_LETTER, `${count.toFixed(1)} steps a letter for ${JSON.stringify(unit)}`);
      }
    });
  }
});

describe("the counter of steps", () => {
  it("sees work that is not linear, in built-in methods too", async () => {
    const shorter = async (text: string) => {
      for (let rest = text; rest !== ""; rest = rest.slice(1)) /b$/.test(rest);
      return undefined;
    };
    const grown = async (text: string) => {
      for (let rest = "", left = text.length; left > 0; left--) [rest = ""] = `${rest}a`.split("\n");
      return undefined;
    };
    for (const send of [shorter, grown]) assert.ok((await growth({ name: "", send }, ["a"])) > 50);
    const once = async (text: string) => void text.split("").map((letter) => letter.trim());
    assert.ok((await growth({ name: "", send: once }, ["a"])) <= MAX_GROWTH);
  });
});

/** How many times more steps the long texts take than the short ones. */
async function growth(field: TextField, units: readonly string[]): Promise<number> {
  const before = await steps(field, units, SHORT);
  return (await steps(field, units, LONG)) / before;
}

/** The steps for each unit, repeated to this length. */
async function steps({ send, isHeader = false }: TextField, units: readonly string[], length: number): Promise<number> {
  const texts = units.map((unit) => unit.repeat(Math.ceil(length / unit.length)).slice(0, length));
  await counter.take();
  for (const text of texts.filter((one) => !isHeader || HEADER_TEXT.test(one))) {
    const status = await send(text);
    assert.ok(status === undefined || status < 500, `${status} for ${JSON.stringify(text.slice(0, 20))}`);
  }
  return counter.take();
}
