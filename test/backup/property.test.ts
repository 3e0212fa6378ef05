import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { database, runBatch } from "../../src/db/client.ts";
import type { NewEvent } from "../../src/events/event.ts";
import { deleteOldest } from "../../src/events/log/retention.ts";
import { recordEvents } from "../../src/events/write/record.ts";
import { clearCaches } from "../../src/http/cache.ts";
import { Collector } from "../feed/collector.ts";
import { expectExactCounters } from "../support/history.ts";
import { rows } from "../support/ingest.ts";
import { gaps } from "../support/log-reader.ts";
import { aPerson } from "../support/people.ts";
import { Random } from "../support/random.ts";
import { emptyStorage } from "../support/storage.ts";
import { anEvent, get, hex, recorded } from "../support/world.ts";
import { backedUp, data, restored } from "./memory.ts";

const HISTORIES = 12;
const STEPS = 30;
const [OURS, THEIRS, PROJECT] = [hex("ours"), hex("theirs"), hex("project")];
/** Seconds. */
const T = 1_760_000_000;
const TYPES = ["customer_update_succeeded", "project_creation_succeeded", "type_of_tomorrow"];
const MESSAGES = ["An odd event", "Straße in Õun", "漢字 \u0000 \u001f", `An event of ${"long text ".repeat(300)}`];

/** What happens to a log at random: events with and without ids, changed and evicted uuids, deletions. */
class History {
  readonly #random: Random;
  readonly #user: string;
  #contents: NewEvent[] = [];

  constructor(random: Random, user: string) {
    this.#random = random;
    this.#user = user;
  }

  async step(): Promise<void> {
    const random = this.#random;
    if (random.oneIn(6)) return this.#delete();
    if (random.oneIn(12)) return this.#deletePeriod();
    const known = random.oneIn(2) ? this.#contents[random.int(this.#contents.length)] : undefined;
    if (known === undefined) return this.#record();
    const content = known.content ?? known.uuid;
    const id = random.pick([random.hex(), ...this.#contents.slice(-3).map(({ uuid }) => uuid)]);
    const evictions = new Map([[id, [random.hex(), random.hex()]]]);
    const event = { ...known, content, uuid: id, isUpstream: random.oneIn(2) };
    await recordEvents(database(env.DB), [event], { evictions });
  }

  async #record(): Promise<void> {
    const added = Array.from({ length: 1 + this.#random.int(4) }, () => this.#event());
    await recorded(...added);
    this.#contents.push(...added);
  }

  #event(): NewEvent {
    const random = this.#random;
    const uuid = random.hex();
    return anEvent({
      uuid,
      ...(random.oneIn(2) ? { content: random.hex() } : {}),
      created: (T + random.int(60)) * 1_000_000,
      eventType: random.pick(TYPES),
      message: random.pick(MESSAGES),
      producer: random.pick(["waldur", "crm"]),
      context: random.pick([
        {},
        { customer_uuid: OURS, project_uuid: PROJECT, auth_method: "token" },
        { customer_uuid: THEIRS, n: 12345678901234567890n.toString() },
        { user_uuid: this.#user, customer_uuid: OURS },
        { affected_user_uuid: this.#user },
      ]),
    });
  }

  async #delete(): Promise<void> {
    await env.DB.exec(`DELETE FROM events WHERE id = (SELECT id FROM events LIMIT 1 OFFSET ${this.#random.int(20)})`);
  }

  async #deletePeriod(): Promise<void> {
    const before = (T + this.#random.int(40)) * 1_000_000;
    await runBatch(database(env.DB), deleteOldest(before, 1 + this.#random.int(5)));
  }
}

const FILTERS = [
  ...["", `customer_uuid=${OURS}`, `customer_uuid=${THEIRS}&message=odd`, "message=%C3%B5un", "message=stra%C3%9Fe"],
  ...[`event_type=${TYPES[2]}`, `created_from=${T + 10}&created_to=${T + 30}`, `scope=/api/projects/${PROJECT}/`],
  ...["auth_method=token", "o=created&message=long", `project_uuid=${PROJECT}&event_type=${TYPES[1]}`],
];

/** What a person is shown: the list and the count of each filter, the months, and all of the feed. */
async function shownTo(token: string) {
  const paths = FILTERS.flatMap((filter) => [`/api/events/?page_size=300&${filter}`, `/api/events/count/?${filter}`]);
  const answers: unknown[] = [];
  for (const path of [...paths, "/api/events-stats/"]) {
    const response = await get(path, token);
    answers.push([path, response.status, response.headers.get("X-Result-Count"), await response.json()]);
  }
  return answers;
}

/** All messages for staff; the uuids for one who sees a part, whose ids are those of one database. */
async function feedTo(staff: string, owner: string) {
  const part = await new Collector(owner, `scope=/api/customers/${OURS}/`).finish();
  return [(await new Collector(staff).finish()).messages, part.uuids];
}

const people = (uuid: string) =>
  Promise.all([
    aPerson({ staff: true }),
    aPerson({ uuid }),
    aPerson({ roles: [{ scope: OURS }, { type: "project", scope: PROJECT, customer: OURS }] }),
  ]);

describe.each(Array.from({ length: HISTORIES }, (_, seed) => seed + 1))("history %i", (seed) => {
  it("is the same for everybody after a backup and a restore, in lists, counts, months and the feed", async () => {
    const random = new Random(seed);
    const user = random.hex();
    const [staff, ada, owner] = await people(user);
    const tokens = [staff, ada, owner].map(({ token }) => token);
    const history = new History(random, user);
    for (let step = 0; step < STEPS; step++) await history.step();
    const before = await Promise.all(tokens.map(shownTo));
    const feed = await feedTo(staff.token, owner.token);

    const backup = await backedUp({ partBytes: 5_000, partSize: { entries: 7, bytes: 3_000 } });
    await emptyStorage();
    clearCaches();
    await restored(backup);

    expect(await Promise.all(tokens.map(shownTo))).toEqual(before);
    expect(await feedTo(staff.token, owner.token)).toEqual(feed);
    await expectExactCounters();
    expect(await gaps()).toBe(0);
    const again = await backedUp();
    expect(again.entries).toEqual(backup.entries);
    expect(JSON.parse(again.manifest ?? "").log.sha256).toBe(JSON.parse(backup.manifest ?? "").log.sha256);
  });

  it("that goes on while the backup is made, is what it was at the backup's end", async () => {
    const random = new Random(seed + 1_000);
    const [staff] = await people(random.hex());
    const history = new History(random, random.hex());
    for (let step = 0; step < STEPS; step++) await history.step();
    let reads = 0;
    let left = STEPS;
    let end: unknown[] | undefined;
    const real = data();
    const backup = await backedUp({
      partBytes: 5_000,
      partSize: { entries: 3, bytes: 3_000 },
      data: data({
        read: async (statements) => {
          reads += 1;
          for (let step = 0; reads > 1 && step < 2 && left > 0; step++, left--) await history.step();
          const found = await real.read(statements);
          if (left === 0 && end === undefined)
            end = [await rows("events"), await rows("log_changes"), await shownTo(staff.token)];
          return found;
        },
      }),
    });
    await emptyStorage();
    clearCaches();
    await restored(backup);

    expect([await rows("events"), await rows("log_changes"), await shownTo(staff.token)]).toEqual(end);
    await expectExactCounters();
    expect(await gaps()).toBe(0);
  });
});
