import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { database, runBatch } from "../../src/db/client.ts";
import type { NewEvent } from "../../src/events/event.ts";
import { deleteOldest } from "../../src/events/log/retention.ts";
import { aPerson } from "../support/people.ts";
import { Random } from "../support/random.ts";
import { anEvent, get, hex, recorded } from "../support/world.ts";
import { Collector } from "./collector.ts";

const HISTORIES = Number(env.FEED_HISTORIES);
const STEPS = 40;
const [OURS, THEIRS] = [hex("ours"), hex("theirs")];
const PROJECT = hex("project");
/** Seconds. */
const T = 1_760_000_000;
const TYPES = ["customer_update_succeeded", "project_creation_succeeded", "type_of_tomorrow"];

/** What happens to the log, at random. */
class History {
  readonly #random: Random;
  readonly #ada: string;
  #unnamed: NewEvent[] = [];
  #made = 0;

  constructor(random: Random, ada: string) {
    this.#random = random;
    this.#ada = ada;
  }

  async step(): Promise<void> {
    const random = this.#random;
    if (random.oneIn(5)) return this.#delete();
    if (random.oneIn(12)) return this.#deletePeriod();
    const unnamed = random.oneIn(3) ? this.#unnamed.pop() : undefined;
    // Of a deleted event, this is the event once more.
    if (unnamed) await recorded({ ...unnamed, content: unnamed.uuid, uuid: random.hex(), isUpstream: true });
    else await this.#record();
  }

  async #record(): Promise<void> {
    const added = Array.from({ length: 1 + this.#random.int(4) }, () => this.#event());
    await recorded(...added);
    this.#unnamed.push(...added.filter(() => this.#random.oneIn(2)));
  }

  /** In the order of time, at the same time as others, or late. */
  #event(): NewEvent {
    const random = this.#random;
    this.#made += random.int(2);
    const late = random.oneIn(5) ? random.int(30) : 0;
    return anEvent({
      uuid: random.hex(),
      created: (T + this.#made - late) * 1_000_000,
      eventType: random.pick(TYPES),
      message: random.pick(["An odd event", "An event", `An event of ${"long text ".repeat(600)}`]),
      context: random.pick([
        {},
        { customer_uuid: OURS, project_uuid: PROJECT },
        { customer_uuid: THEIRS },
        { user_uuid: this.#ada, customer_uuid: OURS },
        { affected_user_uuid: this.#ada },
      ]),
    });
  }

  async #delete(): Promise<void> {
    await env.DB.exec(`DELETE FROM events WHERE id = (SELECT id FROM events LIMIT 1 OFFSET ${this.#random.int(20)})`);
  }

  /** As retention does, to its end, in transactions of random sizes. */
  async #deletePeriod(): Promise<void> {
    const before = (T + this.#made - this.#random.int(40)) * 1_000_000;
    for (let events = 1; events > 0; ) {
      const [deleted] = await runBatch(database(env.DB), deleteOldest(before, 1 + this.#random.int(5)));
      events = Number(deleted?.results[0]?.events);
    }
  }
}

/** The uuids in the whole list of a filter. */
async function listed(token: string, filter: string): Promise<string[]> {
  const uuids: string[] = [];
  for (let page: string | undefined = "1"; page !== undefined; ) {
    const response = await get(`/api/events/?page_size=50&page=${page}&${filter}`, token);
    uuids.push(...(await response.json<{ uuid: string }[]>()).map(({ uuid }) => uuid));
    page = /[?&]page=([^&>]+)[^>]*>; rel="next"/.exec(response.headers.get("Link") ?? "")?.[1];
  }
  return uuids.sort();
}

describe.each(Array.from({ length: HISTORIES }, (_, seed) => seed + 1))("history %i", (seed) => {
  it("ends, for who applies the feed from any cut, with exactly what the list shows", async () => {
    const random = new Random(seed);
    const [staff, ada, owner] = await Promise.all([
      aPerson({ staff: true }),
      aPerson(),
      aPerson({ roles: [{ scope: OURS }, { type: "project", scope: PROJECT, customer: OURS }] }),
    ]);
    const collectors = [
      [staff.token, ""],
      [staff.token, `customer_uuid=${OURS}`],
      [staff.token, `customer_uuid=${OURS}&message=odd`],
      [staff.token, `scope=/api/customers/${OURS}/`],
      [staff.token, "message=odd"],
      [staff.token, `event_type=${TYPES[0]}&event_type=${TYPES[2]}`],
      [staff.token, `created_from=${T + 10}&created_to=${T + 30}`],
      [staff.token, `related_user_uuid=${ada.uuid}&created_from=${T + 5}`],
      [ada.token, `related_user_uuid=${ada.uuid}`],
      [ada.token, `related_user_uuid=${ada.uuid}&message=odd`],
      [owner.token, `scope=/api/customers/${OURS}/`],
      [owner.token, `scope=/api/projects/${PROJECT}/&event_type=${TYPES[1]}`],
      [owner.token, ""],
    ].map(([token = "", filter = ""]) => ({ token, filter, collector: new Collector(token, filter) }));
    const history = new History(random, ada.uuid);

    for (let step = 0; step < STEPS; step++) {
      await history.step();
      for (const { collector } of collectors) if (random.oneIn(3)) await collector.step(1 + random.int(6));
    }

    for (const { token, filter, collector } of collectors) {
      await collector.finish(1 + random.int(6));
      expect(collector.uuids, filter).toEqual(await listed(token, filter));
      expect([...collector.offsets].sort(), filter).toEqual(collector.offsets);
    }
  });
});
