import { get } from "../support/world.ts";
import type { Part } from "./answers.ts";

/** A message of the feed. */
export interface Message {
  op?: "identity" | "removed";
  id?: number | string;
  id_from?: number;
  uuid?: string;
  created?: string;
  created_before?: string;
  message?: string;
}

/** A client of the feed, which applies each message by its id, as src/feed/README.md says. */
export class Collector {
  readonly #token: string;
  readonly #filter: string;
  readonly events = new Map<number | string, Message>();
  /** The messages in their order, since the collector began last. */
  messages: Message[] = [];
  offsets: string[] = [];
  offset = "-1";
  isUpToDate = false;
  /** How often it began again, because its offset was no longer valid. */
  restarts = 0;

  /** `filter`: a query string without its question mark. */
  constructor(token: string, filter = "") {
    this.#token = token;
    this.#filter = filter;
  }

  /** One request. */
  async step(limit = 100): Promise<Response> {
    const response = await get(`/api/events/feed/?offset=${this.offset}&limit=${limit}&${this.#filter}`, this.#token);
    if (response.status === 410) this.restart();
    if (response.status !== 200) return response;
    this.apply({
      messages: await response.json<Message[]>(),
      offset: response.headers.get("Stream-Next-Offset") ?? "",
      isUpToDate: response.headers.get("Stream-Up-To-Date") === "true",
    });
    return response;
  }

  /** A part of an answer. */
  apply({ messages, offset, isUpToDate }: Pick<Part, "messages" | "offset" | "isUpToDate">): void {
    for (const message of messages) this.#apply(message);
    this.offset = offset;
    this.offsets.push(offset);
    this.isUpToDate = isUpToDate;
  }

  /** Requests until there is nothing more. */
  async finish(limit = 100): Promise<this> {
    do {
      const { status } = await this.step(limit);
      if (status !== 200 && status !== 410) throw new Error(`${status}`);
    } while (!this.isUpToDate);
    return this;
  }

  /** What it has, by uuid. */
  get uuids(): string[] {
    return [...this.events.values()].map(({ uuid = "" }) => uuid).sort();
  }

  restart(): void {
    this.events.clear();
    this.messages = [];
    this.offsets = [];
    this.offset = "-1";
    this.isUpToDate = false;
    this.restarts += 1;
  }

  #apply(message: Message): void {
    this.messages.push(message);
    const { op, id, created_before: before, id_from: idFrom = Number.POSITIVE_INFINITY } = message;
    if (op !== "removed") this.events.set(id ?? "", message);
    else if (before === undefined) this.events.delete(id ?? "");
    else {
      for (const [known, { created = "" }] of this.events) {
        const isOlder = micros(created) < micros(before);
        const isAtOnce = micros(created) === micros(before) && typeof known === "number" && known >= idFrom;
        if (isOlder || isAtOnce) this.events.delete(known);
      }
    }
  }
}

/** Microseconds of a time as the API prints it, which has six digits of fraction or none. */
export function micros(time: string): number {
  const [seconds = "", fraction = "0"] = time.replace("Z", "").split(".");
  return Date.parse(`${seconds}Z`) * 1_000 + Number(fraction.padEnd(6, "0"));
}
