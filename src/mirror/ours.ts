import type { D1Calls } from "../db/client.ts";
import { type Database, database } from "../db/client.ts";
import { countWithin, eventsWithin, timeOfNth, timesOfLog } from "../events/log/window.ts";
import { canonicalLine } from "./canonical.ts";
import { MICROSECONDS, type Range } from "./range.ts";

/** The producer as which the mirror sends, and whose web hook sends the same events. */
export const MIRROR_PRODUCER = "waldur";

/** An event of this server. `created` in microseconds. */
export interface OurEvent {
  uuid: string;
  created: number;
  line: string;
}

/** What is compared with Waldur: the events of upstream and of the producer `waldur`. */
export interface OurSide {
  count(range: Range): Promise<number>;
  /** The oldest first, in parts. */
  events(range: Range): AsyncIterable<OurEvent[]>;
  /** The second of the event after the first `n` of the range; undefined when there are no more. */
  secondOfNth(range: Range, n: number): Promise<number | undefined>;
  /** The seconds between which there may be events; undefined for none. */
  bounds(): Promise<Range | undefined>;
}

/** The events in D1. */
export class StoredSide implements OurSide {
  readonly #db: Database;

  constructor(binding: D1Calls) {
    this.#db = database(binding);
  }

  count(range: Range): Promise<number> {
    return countWithin(this.#db, spanOf(range));
  }

  async *events(range: Range): AsyncGenerator<OurEvent[]> {
    for await (const part of eventsWithin(this.#db, spanOf(range))) {
      yield part.map((event) => ({
        uuid: event.uuid,
        created: event.created,
        line: canonicalLine({ ...event, context: JSON.parse(event.context) }),
      }));
    }
  }

  async secondOfNth(range: Range, n: number): Promise<number | undefined> {
    const time = await timeOfNth(this.#db, spanOf(range), n);
    return time === undefined ? undefined : Math.floor(time / MICROSECONDS);
  }

  async bounds(): Promise<Range | undefined> {
    const times = await timesOfLog(this.#db);
    if (times === undefined) return undefined;
    return { from: Math.floor(times.first / MICROSECONDS), to: Math.floor(times.last / MICROSECONDS) + 1 };
  }
}

const spanOf = ({ from, to }: Range) => ({
  producer: MIRROR_PRODUCER,
  from: from * MICROSECONDS,
  to: to * MICROSECONDS,
});
