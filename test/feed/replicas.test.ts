import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { database, runBatch } from "../../src/db/client.ts";
import { deleteOldest } from "../../src/events/log/retention.ts";
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

  it("is not asked which objects belong to a customer", async () => {
    const project = hex("project");
    const context = { customer_uuid: OURS, project_uuid: project };
    await recorded(anEvent({ message: "new", eventType: "project_creation_succeeded", context }));
    lag(1);

    const response = await get(`/api/events/feed/?scope=/api/projects/${project}/&field=message`, owner);

    expect([response.status, await response.json()]).toMatchObject([200, [{ message: "new" }]]);
  });

  it("costs another round trip only where it is behind", async () => {
    lag(0);
    const { headers } = await get("/api/events/feed/?limit=2", staff);
    const offset = headers.get("Stream-Next-Offset");
    move();
    lag(3);
    await get("/api/events/event_groups/", staff);
    cloud.reads.length = 0;

    const response = await get(`/api/events/feed/?offset=${offset}`, staff);

    expect(await response.json()).toEqual([expect.objectContaining({ id: 3 })]);
    expect(response.headers.has("Stream-Up-To-Date")).toBe(true);
    expect(cloud.reads).toEqual([cloud.commits() - 3]);
  });

  it("does not serve who has been told of a deleted period that it does not have", async () => {
    const first = anEvent({ created: 1_000_000 });
    await recorded(first, anEvent({ created: 2_000_000 }));
    await runBatch(database(env.DB), deleteOldest(1_500_000));
    lag(0);
    const { headers } = await get("/api/events/feed/?limit=2", staff);
    move();
    lag(1);

    const offset = headers.get("Stream-Next-Offset");
    const response = await get(`/api/events/feed/?field=uuid&offset=${offset}`, staff);

    expect(await response.text()).not.toContain(first.uuid);
    expect(response.headers.get("Stream-Up-To-Date")).toBe("true");
  });
});

describe("a reader whom the bell wakes at a replica that is behind", () => {
  it.each(
    readers.flatMap(([who, token, filter]) =>
      (["poll", "stream"] as const).map((way) => ({ who, way, token, filter })),
    ),
  )("gets the entry, and is woken once: $who, $way", async ({ way, token, filter }) => {
    lag(0);
    const bell = aBell(async (after) => {
      lag(1);
      await recorded(ours("new"));
      return after + 1;
    });
    const ask = (path: string, headers = {}) => get(path, token(), { headers }, bell.changed);

    const { parts } = await answerTo(ask, { way, offset: "now", limit: undefined, filter, parts: 2 });

    expect(parts.at(-1)).toMatchObject({ messages: [{ message: "new" }], isUpToDate: true });
    // A stream may be ahead of its client, and wait for the next entry.
    expect(bell.waits).toEqual([...new Set([6, ...bell.waits])]);
  });

  it("is not woken again for what it may not see", async () => {
    lag(0);
    const end = Number((await env.DB.prepare("SELECT max(id) AS n FROM events").first("n")) ?? 0);
    const bell = aBell(async (after) => {
      lag(1);
      if (after > end) await recorded(ours("new"));
      else await recorded(anEvent());
      return after + 1;
    });

    const path = `/api/events/feed/?offset=now&live=long-poll&field=message&${SCOPE}`;
    const response = await get(path, owner, {}, bell.changed);

    expect(await response.json()).toMatchObject([{ message: "new" }]);
    expect(bell.waits).toEqual([end, end + 1]);
  });
});
