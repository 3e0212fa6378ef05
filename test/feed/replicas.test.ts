import { beforeEach, describe, expect, it } from "vitest";
import { clearCaches } from "../../src/http/cache.ts";
import { moveToDataCentre } from "../cloud/isolate.ts";
import { type LaggingDatabase, laggingReplicas } from "../cloud/replicas.ts";
import { stopClock } from "../support/clock.ts";
import { aPerson } from "../support/people.ts";
import { anEvent, get, hex, recorded } from "../support/world.ts";
import { answerTo, WAYS } from "./answers.ts";

const OURS = hex("ours");
const SCOPE = `scope=/api/customers/${OURS}/`;

let cloud: LaggingDatabase;
let staff: string;
let owner: string;

const ours = (message = "Ours") =>
  anEvent({ message, eventType: "customer_update_succeeded", context: { customer_uuid: OURS } });

/** From now on, replicas are so many commits behind. */
const lag = (commits: number) => {
  cloud.lag = () => commits;
};

/** The next requests reach an isolate of another data centre, which knows nothing of the token's sessions. */
function move(): void {
  clearCaches();
  moveToDataCentre(crypto.randomUUID());
}

/** A bell that says that the log has come to the end which `meanwhile` gives; how it was asked. */
function aBell(meanwhile: (after: number) => Promise<number>) {
  const waits: number[] = [];
  const wait = (after: number) => {
    waits.push(after);
    return meanwhile(after);
  };
  return { waits, changed: { FEED_BELL: { getByName: () => ({ wait, ring: async () => undefined }) } } };
}

const readers: [string, () => string, string][] = [
  ["staff", () => staff, "field=message"],
  ["a user", () => owner, `${SCOPE}&field=message`],
];

beforeEach(async () => {
  stopClock("2026-05-01T00:00:00Z");
  cloud = await laggingReplicas();
  staff = (await aPerson({ staff: true })).token;
  owner = (await aPerson({ roles: [{ scope: OURS }] })).token;
  // Notes the day of their use, which is a commit.
  for (const token of [staff, owner]) await get("/api/events/event_groups/", token);
  for (let count = 0; count < 6; count++) await recorded(ours());
  move();
});

describe("a replica that is behind an offset", () => {
  it.each(readers.flatMap(([who, token, filter]) => WAYS.map((way) => ({ who, way, token, filter }))))(
    "neither refuses it nor says that there is nothing more: $who, $way",
    async ({ way, token, filter }) => {
      lag(0);
      const ask = (path: string, headers = {}) => get(path, token(), { headers }, nothingNew.changed);
      const nothingNew = aBell(async (after) => {
        await recorded(ours("later"));
        return after + 1;
      });
      const [read] = (await answerTo(ask, { way: "page", offset: "-1", limit: 100, filter })).parts;
      await recorded(ours("new"));
      move();
      lag(3);

      const { status, parts } = await answerTo(ask, { way, offset: read?.offset ?? "", limit: 100, filter });

      expect(status).toBe(200);
      expect(parts[0]).toMatchObject({ messages: [{ message: "new" }], isUpToDate: true });
    },
  );
});
