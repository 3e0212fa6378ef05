import { expect, it } from "vitest";
import { clearCaches } from "../../../src/http/cache.ts";
import { bigLog, load } from "../../support/big-log.ts";
import { aPerson } from "../../support/people.ts";
import { get, query, rowsRead } from "../../support/world.ts";

/** Three in a hundred arrive late, from any time: the events of a day have ids of the whole log. */
const EVENTS = 8_000;

it("a page of common types does not read all their matches where some events arrived late", async () => {
  const { token } = await aPerson({ staff: true });
  await load(bigLog(EVENTS, 5));
  const ofTypes = (...others: [string, string][]) =>
    get(`/api/events/${query(["event_type", "project_created"], ["event_type", "token_created"], ...others)}`, token);

  const page = await ofTypes(["created_to", "1749650155"], ["page_size", "100"], ["page", "4"]);

  expect(page.headers.get("X-Result-Count")).toBe("602");
  expect(rowsRead(page)).toBeLessThan(1_500);
});

it("the first page of a text that most events have reads at most 5,000 rows, in either order", async () => {
  const { token } = await aPerson({ staff: true });
  await load(bigLog(EVENTS, 5));
  for (const order of ["created", "-created"]) {
    clearCaches();
    const first = () => get(`/api/events/?message=e&page_size=300&o=${order}`, token);
    await first();
    expect(rowsRead(await first()), order).toBeLessThanOrEqual(5_000);
  }
});
