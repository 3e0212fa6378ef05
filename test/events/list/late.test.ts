import { expect, it } from "vitest";
import { clearCaches } from "../../../src/http/cache.ts";
import { bigLog, load } from "../../support/big-log.ts";
import { aPerson } from "../../support/people.ts";
import { emptyStorage } from "../../support/storage.ts";
import { anEvent, get, query, recorded, rowsRead } from "../../support/world.ts";

const START = Date.UTC(2024, 0, 1) * 1000;
const HOUR = 3_600_000_000;
const DAY = 24 * HOUR;
const EVENTS = 9_000;
const PAGES = [1, 2, 3, 4, 5, 6, 7, 8, 9, "last"];

/** One event an hour for a year, the oldest first; every third of the type that is asked for. */
const aLog = () =>
  Array.from({ length: EVENTS }, (_, index) =>
    anEvent({
      created: START + index * HOUR,
      eventType: index % 3 === 0 ? "token_created" : "issue_creation_succeeded",
      message: `event ${index}`,
    }),
  );

/** The rows that each page of the type reads when `late` events of the same year are stored after all others. */
async function rowsWith(late: number): Promise<number[]> {
  await emptyStorage();
  const { token } = await aPerson({ staff: true });
  await load(aLog());
  await recorded(
    ...Array.from({ length: late }, (_, index) =>
      anEvent({ created: START + (index + 0.5) * (360 / late) * DAY, message: `late ${index}` }),
    ),
  );
  const rows: number[] = [];
  for (const page of PAGES) {
    clearCaches();
    const response = await get(`/api/events/?event_type=token_created&page_size=300&page=${page}`, token);
    expect(response.headers.get("X-Result-Count")).toBe("3000");
    rows.push(rowsRead(response));
  }
  return rows;
}

it("an event a day that is stored after all others makes no page of a type read a tenth more", async () => {
  const without = await rowsWith(0);
  const rows = await rowsWith(360);

  expect(rows.filter((n, index) => n > 1.1 * (without[index] ?? 0))).toEqual([]);
});

/** Three in a hundred arrive late, from any time: the events of a day have ids of the whole log. */
const BIG_LOG = 8_000;

it("a page of common types does not read all their matches where some events arrived late", async () => {
  const { token } = await aPerson({ staff: true });
  await load(bigLog(BIG_LOG, 5));
  const ofTypes = (...others: [string, string][]) =>
    get(`/api/events/${query(["event_type", "project_created"], ["event_type", "token_created"], ...others)}`, token);

  const page = await ofTypes(["created_to", "1749650155"], ["page_size", "100"], ["page", "4"]);

  expect(page.headers.get("X-Result-Count")).toBe("602");
  expect(rowsRead(page)).toBeLessThan(1_500);
});

it("the first page of a text that most events have reads at most 5,000 rows, in either order", async () => {
  const { token } = await aPerson({ staff: true });
  await load(bigLog(BIG_LOG, 5));
  for (const order of ["created", "-created"]) {
    clearCaches();
    const first = () => get(`/api/events/?message=e&page_size=300&o=${order}`, token);
    await first();
    expect(rowsRead(await first()), order).toBeLessThanOrEqual(5_000);
  }
});
