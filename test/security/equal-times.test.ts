import { beforeEach, describe, expect, it } from "vitest";
import { linkOf } from "../support/big-log.ts";
import { aPerson } from "../support/people.ts";
import { anEvent, get, recorded, rowsRead } from "../support/world.ts";

const CUSTOMER = "c".repeat(32);
const TIME = Date.UTC(2020, 0, 1) * 1_000;
const SAME_TIME = 3_000;

describe("a producer that sends thousands of events of one time", () => {
  let token: string;
  beforeEach(async () => {
    ({ token } = await aPerson({ staff: true }));
    const context = { customer_uuid: CUSTOMER };
    const one = (created: number, message: string) =>
      anEvent({ created, message, context, eventType: "customer_update_succeeded" });
    await recorded(
      one(TIME - 1, "before"),
      ...Array.from({ length: SAME_TIME }, (_, index) => one(TIME, `${index}`)),
      one(TIME + 1, "after"),
    );
  });

  const page = async (path: string) => {
    const response = await get(path, token);
    const messages = (await response.clone().json<{ message: string }[]>()).map(({ message }) => message);
    return { response, messages, rows: rowsRead(response) };
  };

  it.each([
    ["of the log", ""],
    ["of a customer", `&customer_uuid=${CUSTOMER}`],
    ["of a scope", `&scope=http://localhost/api/customers/${CUSTOMER}/`],
    ["of a customer by types", `&customer_uuid=${CUSTOMER}&event_type=customer_update_succeeded`],
  ])("never makes the first, the next or the last page %s, oldest first, read them all", async (_, filter) => {
    const first = await page(`/api/events/?o=created&page_size=5${filter}`);
    const next = await page(linkOf(first.response, "next") ?? "no next page");
    const last = await page(`/api/events/?o=created&page_size=5&page=last${filter}`);
    const before = await page(linkOf(last.response, "prev") ?? "no page before");

    expect([first.messages, next.messages, before.messages, last.messages]).toEqual([
      ["before", "0", "1", "2", "3"],
      ["4", "5", "6", "7", "8"],
      ["2994", "2995", "2996", "2997", "2998"],
      ["2999", "after"],
    ]);
    for (const { rows } of [first, next, last, before]) expect(rows).toBeLessThan(200);
  });

  it.each(["created", "-created"])(
    "never makes a deep page of the log with o=%s read more than is skipped",
    async (o) => {
      const deep = await page(`/api/events/?o=${o}&page_size=5&page=50`);

      expect(deep.messages).toEqual(["244", "245", "246", "247", "248"]);
      expect(deep.rows).toBeLessThan(600);
    },
  );
});
