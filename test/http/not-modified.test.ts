import { describe, expect, it } from "vitest";
import { bigLog, CUSTOMERS, linkOf } from "../support/big-log.ts";
import { stopClock } from "../support/clock.ts";
import { aPerson } from "../support/people.ts";
import { anEvent, get, recorded, rowsRead } from "../support/world.ts";

const EVENTS = 3_000;
const [SMALL, EMPTY] = ["e".repeat(32), "f".repeat(32)];
const OURS = String(CUSTOMERS[2]);
const JULY = Date.UTC(2025, 6, 1) / 1000;
/** The quarters of the log, the epoch, and one row more, as D1 meters it. */
const VERSION_ROWS = 9;
/** The same twice, and the list of known versions: the page itself is left out in the round trip that reads the totals. */
const FIRST_PAGE_ROWS = 19;

/** The version, the row of the page with it and the total, and the known versions. */
const LOG_ROWS = 12;

const LISTS = [
  "",
  "page_size=1",
  "page_size=300",
  "o=created",
  "page=2",
  "page=last",
  `customer_uuid=${OURS}`,
  `customer_uuid=${OURS}&page_size=1`,
  `customer_uuid=${OURS}&event_type=token_created`,
  `customer_uuid=${OURS}&created_from=${JULY + 10}&created_to=${JULY + 99_999}`,
  `customer_uuid=${OURS}&created_from=9000000000`,
  `customer_uuid=${OURS}&project_uuid=${OURS}`,
  `customer_uuid=${SMALL}`,
  `customer_uuid=${EMPTY}`,
  "event_type=project_created",
  "event_type=odd type",
  "event_type=nothing_like_this",
  `created_from=${JULY}`,
  `created_from=${JULY + 1}&created_to=${JULY + 2}`,
  "created_from=9000000000",
  "message=volume",
  "message=volume&page=2",
  "message=漢字 55",
  "message=nothing like this",
  `scope=/api/customers/${OURS}/`,
  `related_user_uuid=${OURS}`,
];
const PATHS = [
  ...LISTS.map((search) => `/api/events/?${search}`),
  ...LISTS.map((search) => `/api/events/count/?${search}`),
  ...["", "event_type=project_created", `scope=/api/customers/${OURS}/`].map(
    (search) => `/api/events-stats/?${search}`,
  ),
  "/api/events/1/",
  "/api/events/event_groups/",
];

async function world() {
  stopClock("2026-05-01T00:00:00Z");
  const { token } = await aPerson({ staff: true });
  await recorded(...bigLog(EVENTS, 7), anEvent({ context: { customer_uuid: SMALL } }));
  // The isolate knows who is asking.
  await get("/api/events/", token);
  const next = linkOf(await get("/api/events/?page_size=3", token), "next") ?? "no next page";
  return { token, paths: [...PATHS, next] };
}

describe("a 304 reads no more rows than the 200 that it saves", () => {
  it.each(["GET", "HEAD"])("for any filter, by %s", async (method) => {
    const { token, paths } = await world();
    const asked = async (path: string, tag?: string) =>
      get(path, token, { method, headers: tag === undefined ? {} : { "If-None-Match": tag } });
    for (const path of paths) {
      // The total of a search is kept after the first response, and the place of a page.
      await asked(path);
      const whole = await asked(path);
      const tag = whole.headers.get("ETag") ?? "no tag";
      for (const tags of [tag, "*", `W/"another", ${tag}`]) {
        const same = await asked(path, tags);
        expect(same.status, path).toBe(304);
        expect.soft(rowsRead(same), `${path} with ${tags}`).toBeLessThanOrEqual(rowsRead(whole));
      }
    }
  });

  it("and reads little beside the version of its series, in one round trip", async () => {
    const { token } = await world();
    const again = async (path: string) => {
      const tag = (await get(path, token)).headers.get("ETag") ?? "no tag";
      const same = await get(path, token, { headers: { "If-None-Match": tag } });
      return [same.status, rowsRead(same), /trips;desc="(\d)"/.exec(same.headers.get("Server-Timing") ?? "")?.[1]];
    };
    expect(await again(`/api/events/?customer_uuid=${OURS}`)).toEqual([304, FIRST_PAGE_ROWS, "1"]);
    expect(await again("/api/events/")).toEqual([304, LOG_ROWS, "1"]);
    for (const path of ["/api/events/?page=2", "/api/events/count/"]) {
      expect(await again(path), path).toEqual([304, VERSION_ROWS, "1"]);
    }
    expect(await again("/api/events/?message=volume")).toEqual([304, 2, "1"]);
  });

  it("and a 200 to one who has an older version reads the version besides", async () => {
    const { token } = await world();
    for (const path of ["/api/events/", "/api/events/?message=volume", "/api/events/count/"]) {
      await get(path, token);
      const tag = (await get(path, token)).headers.get("ETag") ?? "no tag";
      const whole = rowsRead(await get(path, token));
      await recorded(anEvent({ message: "nothing of the kind" }));
      const changed = await get(path, token, { headers: { "If-None-Match": tag } });
      expect(changed.status, path).toBe(200);
      expect(rowsRead(changed), path).toBeLessThanOrEqual(whole + VERSION_ROWS + 4);
    }
  });
});
