import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { bigLog, CUSTOMERS, linkOf } from "../support/big-log.ts";
import { aPerson } from "../support/people.ts";
import { get, recorded, rowsRead } from "../support/world.ts";

const EVENTS = 20_000;
/** A month of the log. */
const JULY = { from: Date.UTC(2025, 6, 1) / 1000, to: Date.UTC(2025, 7, 1) / 1000 };
const DAY = 86_400;

it("requests on a log of 20,000 events read no more rows than they should", async () => {
  const { token } = await aPerson({ staff: true });
  const events = bigLog(EVENTS, 7);
  for (let start = 0; start < EVENTS; start += 5_000) await recorded(...events.slice(start, start + 5_000));
  expect((await get("/api/events/count/", token)).headers.get("X-Result-Count")).toBe(String(EVENTS));
  const customer = `customer_uuid=${CUSTOMERS[2]}`;
  const list = (search: string) => get(`/api/events/?${search}`, token);
  const next = async (search: string) => get(linkOf(await list(search), "next") ?? "no next page", token);
  const again = async (path: string) =>
    get(path, token, { headers: { "If-None-Match": (await get(path, token)).headers.get("ETag") ?? "no tag" } });

  const costs: Record<string, [ask: () => Promise<Response>, most: number]> = {
    "first page": [() => list(""), 33],
    "first page of a customer": [() => list(customer), 40],
    "first page of a customer and a group": [() => list(`${customer}&feature=projects&feature=users`), 45],
    "first page of a customer and a rare type": [() => list(`${customer}&event_type=token_created`), 1000],
    "first page of a type of two in a thousand": [() => list("event_type=odd type"), 1200],
    "first page of a day": [() => list(`created_from=${JULY.from}&created_to=${JULY.from + DAY}`), 40],
    "first page of a month of a customer": [
      () => list(`${customer}&created_from=${JULY.from}&created_to=${JULY.to}`),
      35,
    ],
    "page 1,234 by number": [() => list("page=1234"), 650],
    "page 150 of a customer by number": [() => list(`${customer}&page=150`), 50],
    "last page": [() => list("page=last"), 35],
    "page 1,235 by token": [() => next("page=1234"), 40],
    "page of 100 by token, in the middle": [() => next("page=100&page_size=100"), 250],
    "first page of a rare text": [() => list("message=漢字 55"), 130],
    "first page of a common text": [() => list("message=volume"), 6_000],
    "first page of a common text again": [() => list("message=volume"), 100],
    count: [() => get("/api/events/count/", token), 12],
    "count of a customer in a time": [
      () => get(`/api/events/count/?${customer}&created_from=${JULY.from + 5000}&created_to=${JULY.to + 99999}`, token),
      32,
    ],
    "count of a rare text": [() => get("/api/events/count/?message=漢字 55", token), 50],
    "events-stats": [() => get("/api/events-stats/", token), 12],
    "first page that has not changed": [() => again("/api/events/"), 22],
    "first page of a customer that has not changed": [() => again(`/api/events/?${customer}`), 22],
    "count of a common text that has not changed": [() => again("/api/events/count/?message=volume"), 5],
  };
  for (const [name, [ask, most]] of Object.entries(costs)) {
    const response = await ask();
    expect(response.status, name).toBe(name.endsWith("has not changed") ? 304 : 200);
    expect.soft(rowsRead(response), name).toBeLessThanOrEqual(most);
  }
});

it.each([
  [1, 12.7, 300],
  [10, 8.2, 1_000],
  [100, 7.4, 1_000],
])("events in batches of %i write %d rows each at most, everything included", async (size, most, count) => {
  const events = bigLog(count, 7);
  let rows = 0;
  for (let start = 0; start < count; start += size)
    rows += (await recorded(...events.slice(start, start + size))).rowsWritten;

  expect(await env.DB.prepare("SELECT count(*) AS n FROM events").first("n")).toBe(count);
  expect(rows / count).toBeLessThanOrEqual(most);
});
