import { env } from "cloudflare:workers";
import type { Env } from "../../src/env.ts";
import { readEnd } from "../../src/events/log/end.ts";
import type { Clock } from "../cloud/clock.ts";
import type { CloudDatabase } from "../cloud/d1.ts";
import { Memory } from "../cloud/memory.ts";
import { linkOf } from "../support/big-log.ts";
import { aPerson } from "../support/people.ts";
import type { Random } from "../support/random.ts";
import { get, hex, request } from "../support/world.ts";
import { FeedReader, nameOf, type Wanted } from "./reader.ts";

/** One of so many calls of a reader has the faults of the database. */
const FAULTS_IN = 4;
const CUSTOMER = 7;
const CUSTOMERS = 50;
const isOfCustomer = (number: number) => number % CUSTOMERS === CUSTOMER;
const TEXT = `${nameOf(1)}7`;

const BY_STAFF: Omit<Wanted, "token">[] = [
  { filter: "", wants: () => true, usesList: false },
  { filter: "", wants: () => true, usesList: true },
  { filter: `customer_uuid=${hex(`c${CUSTOMER}`)}`, wants: isOfCustomer, usesList: false },
  { filter: `message=${TEXT}`, wants: (number) => nameOf(number).includes(TEXT), usesList: true },
];
const BY_OWNER: Omit<Wanted, "token"> = {
  filter: `scope=/api/customers/${hex(`c${CUSTOMER}`)}/`,
  wants: isOfCustomer,
  usesList: false,
};

interface Given {
  changed: Partial<Env>;
  faults: CloudDatabase;
  clock: Clock;
  random: Random;
}

/** Readers of the feed, and what became of what they read. */
export class Readers {
  readonly all: FeedReader[] = [];
  /** Events that they got, did not get though the list shows them, and did not get in the order of the log. */
  readonly result = { delivered: 0, lost: 0, reordered: 0, wrong: 0 };

  static async begin({ changed, faults, clock, random }: Given): Promise<Readers> {
    const readers = new Readers();
    const staff = await aPerson({ staff: true });
    const owner = await aPerson({ roles: [{ scope: hex(`c${CUSTOMER}`) }] });
    const bell = aBell(clock, random);
    const add = (wanted: Omit<Wanted, "token">, token: string) => {
      const ask = (path: string, headers = {}) => {
        const isolate = { memory: new Memory(), ...rarely(faults, random) };
        const init = { headers: { Authorization: `Token ${token}`, ...headers } };
        return request(path, init, { ...changed, FEED_BELL: bell }, isolate);
      };
      readers.all.push(new FeedReader({ ...wanted, token }, ask, random));
    };
    for (const wanted of BY_STAFF) add(wanted, staff.token);
    add(BY_OWNER, owner.token);
    return readers;
  }

  /** Each of them, half of the time. */
  async step(random: Random): Promise<void> {
    await Promise.all(this.all.map((reader) => (random.oneIn(2) ? reader.step() : undefined)));
  }

  answered(numbers: readonly number[]): void {
    for (const reader of this.all) reader.answered(numbers);
  }

  /** All of them read to the end; then they have what the list shows, in the order of the log. `ids`: message → number. */
  async finish(ids: ReadonlyMap<string, number>): Promise<void> {
    for (const reader of this.all) {
      await reader.finish();
      this.result.delivered += reader.order.length;
      this.result.lost += await this.#differences(reader);
      const places = reader.order.map((name) => ids.get(name) ?? 0);
      const isLate = (place: number, index: number) => place <= (places[index - 1] ?? 0);
      this.result.reordered += reader.counts.reordered + places.filter(isLate).length;
      this.result.wrong += reader.counts.wrong;
    }
  }

  /** What they have done, added up. */
  get counts(): FeedReader["counts"] {
    const sum = { steps: 0, failed: 0, killed: 0, repeated: 0, reordered: 0, wrong: 0, checked: 0 };
    const names = Object.keys(sum) as (keyof typeof sum)[];
    for (const { counts } of this.all) for (const name of names) sum[name] += counts[name];
    return sum;
  }

  /** Events that are in the list only, or in the reader only, or have different uuids. */
  async #differences({ wanted, held }: FeedReader): Promise<number> {
    const rest = new Map(held);
    let differences = 0;
    for (let path: string | undefined = `/api/events/?page_size=300&${wanted.filter}`; path; ) {
      const response: Response = await get(path, wanted.token);
      for (const { uuid, message } of await response.json<{ uuid: string; message: string }[]>()) {
        const known = rest.get(message);
        rest.delete(message);
        if (known === undefined || (known.uuid !== uuid && !wanted.usesList)) differences += 1;
      }
      path = linkOf(response, "next");
    }
    return differences + rest.size;
  }
}

/** The faults of some calls only: an answer of the feed needs several, and one call after another may fail. */
const rarely = ({ failsBefore, failsAfter }: CloudDatabase, random: Random): CloudDatabase => ({
  failsBefore: () => (random.oneIn(FAULTS_IN) ? failsBefore?.() : undefined),
  failsAfter: () => (random.oneIn(FAULTS_IN) ? failsAfter?.() : undefined),
});

/** A bell at which no reader waits: it tells of the end of the log, or time passes. Sometimes it rings for nothing. */
function aBell(clock: Clock, random: Random) {
  const wait = async (after: number, ms: number) => {
    const end = await readEnd(env.DB);
    const isRung = end > after || random.oneIn(3);
    // A reader who finds nothing looks again after a second.
    clock.advance(isRung ? 1 : ms / 1_000);
    return isRung ? Math.max(end, after + 1) : after;
  };
  return { getByName: () => ({ wait, ring: async () => undefined }) };
}
