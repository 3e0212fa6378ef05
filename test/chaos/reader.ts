import { type Ask, answerTo, type Part, WAYS, type Way } from "../feed/answers.ts";
import { type Message, micros } from "../feed/collector.ts";
import type { Random } from "../support/random.ts";

/** Parts of all steps after which what was read is stored, and after which the reader is killed. */
const STORED = 0.5;
const KILLED = 0.15;
/** Part of all requests that ask for every field, large texts included. */
const WHOLE = 0.25;
const FIELDS = "field=id&field=uuid&field=message";
const LIMITS = [1, 7, 100, 300, 1_000];
const MOST_PARTS = 4;

/** What a reader follows. `wants`: whether the event of this number is among it. */
export interface Wanted {
  token: string;
  filter: string;
  wants: (number: number) => boolean;
  /** Whether the reader asks by `?after=`, too, which does not tell of other uuids. */
  usesList: boolean;
}

interface Held {
  id: Message["id"];
  uuid: string;
}

/** The message of an event, which producer.ts gives it. */
export const nameOf = (number: number): string => `Event ${number}`;
export const numberOf = (name: string): number => Number(name.slice(nameOf(0).length - 1));

/**
 * A reader of the feed who asks in any way, stores messages and offset together now and then, and is killed now and then:
 * what was not stored is forgotten then.
 */
export class FeedReader {
  /** Events by their message, which no two have in common. */
  readonly held = new Map<string, Held>();
  /** The same in the order in which they came first. */
  readonly order: string[] = [];
  readonly counts = { steps: 0, failed: 0, killed: 0, repeated: 0, reordered: 0, wrong: 0, checked: 0 };
  readonly wanted: Wanted;
  readonly #ask: Ask;
  readonly #random: Random;
  #offset = "-1";
  #stored = "-1";
  /** Takes back what was not stored. */
  readonly #undo: (() => void)[] = [];
  /** Requests that were answered with 202, until this reader has stored what it should have of them. Microseconds. */
  #answered: { at: number; names: readonly string[] }[] = [];
  #through = 0;

  constructor(wanted: Wanted, ask: Ask, random: Random) {
    this.wanted = wanted;
    this.#ask = ask;
    this.#random = random;
  }

  /** A request with the events of these numbers was answered with 202 now. */
  answered(numbers: readonly number[]): void {
    const names = numbers.filter(this.wanted.wants).map(nameOf);
    if (names.length > 0) this.#answered.push({ at: Date.now() * 1_000, names });
  }

  /** One request. Then what was read is stored, or lost with its reader, or kept in memory. */
  async step(): Promise<void> {
    const ways = this.wanted.usesList ? WAYS : WAYS.filter((way) => way !== "list");
    await this.#read(this.#random.pick(ways));
    const luck = this.#random.next();
    if (luck < STORED) this.#store();
    else if (luck < STORED + KILLED) this.#kill();
  }

  /** Reads to the end, and stores it. */
  async finish(): Promise<void> {
    while (!(await this.#read("page")));
    this.#store();
  }

  /** Whether it got an answer that said that it has everything. */
  async #read(way: Way): Promise<boolean> {
    this.counts.steps += 1;
    const fields = this.#random.next() < WHOLE ? "" : `&${FIELDS}`;
    const { status, parts } = await answerTo(this.#ask, {
      ...{ way, offset: this.#offset, filter: `${this.wanted.filter}${fields}` },
      // Lines without a limit go on to the end.
      limit: way === "lines" && this.#random.oneIn(2) ? undefined : this.#random.pick(LIMITS),
      parts: 1 + this.#random.int(MOST_PARTS),
    });
    if (![200, 204, 500].includes(status)) throw new Error(`${status} for ${way} at ${this.#offset}`);
    if (parts.length === 0) this.counts.failed += 1;
    for (const part of parts) this.#apply(part);
    return parts.at(-1)?.isUpToDate ?? false;
  }

  #store(): void {
    this.#stored = this.#offset;
    this.#undo.length = 0;
    this.#answered = this.#answered.filter(({ at }) => at >= this.#through);
  }

  #kill(): void {
    this.counts.killed += 1;
    this.counts.repeated += this.#undo.length;
    for (const undo of this.#undo.splice(0).reverse()) undo();
    this.#offset = this.#stored;
    this.#through = 0;
  }

  #apply({ messages, offset, isUpToDate, completeThrough }: Part): void {
    for (const message of messages) this.#take(message);
    // Offsets sort in the order of the feed.
    if (this.#offset !== "-1" && offset < this.#offset) this.counts.reordered += 1;
    this.#offset = offset;
    if (isUpToDate && completeThrough !== undefined) this.#check(micros(completeThrough));
  }

  #take({ op, id, uuid = "", message: name = "" }: Message): void {
    const before = this.held.get(name);
    if (op === "removed") throw new Error("Nothing is deleted here.");
    // An event comes once, and a change of it comes later.
    if ((op === undefined) !== (before === undefined)) this.counts.reordered += 1;
    // The list has ids only where they are asked for.
    if (before?.id !== undefined && id !== undefined && before.id !== id) this.counts.reordered += 1;
    this.held.set(name, { id, uuid });
    if (op === undefined) this.order.push(name);
    this.#undo.push(() => {
      if (op === undefined) this.order.pop();
      if (before === undefined) this.held.delete(name);
      else this.held.set(name, before);
    });
  }

  /** Everything that was answered with 202 before this time, in microseconds, is here by now. */
  #check(through: number): void {
    if (through < this.#through) this.counts.wrong += 1;
    this.#through = Math.max(through, this.#through);
    for (const { at, names } of this.#answered) {
      if (at >= through) continue;
      this.counts.checked += names.length;
      this.counts.wrong += names.filter((name) => !this.held.has(name)).length;
    }
  }
}
