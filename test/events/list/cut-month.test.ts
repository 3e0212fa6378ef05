import { expect, it } from "vitest";
import { aPerson } from "../../support/people.ts";
import { anEvent, get, recorded } from "../../support/world.ts";

const DAY = 86_400;
const MARCH = Date.UTC(2025, 2, 1) / 1000;

/** Common events of some days in March, more than are scanned for the first matches. */
const many = (fromDay: number) =>
  Array.from({ length: 1_200 }, (_, index) =>
    anEvent({ created: (MARCH + fromDay * DAY + index) * 1e6, eventType: "user_activated" }),
  );
const rare = (day: number) =>
  anEvent({ created: (MARCH + day * DAY) * 1e6, eventType: "token_created", message: `${day}` });

it.each([
  ["newest first", `created_to=${MARCH + 15 * DAY}`, [2, 3, 4, 20, 21, 22], ["4", "3", "2"]],
  ["oldest first", `o=created&created_from=${MARCH + 5 * DAY}`, [2, 3, 4, 20, 21, 22], ["20", "21", "22"]],
])("a time that cuts a month has its page 2, %s, after many other events", async (_, params, days, listed) => {
  const { token } = await aPerson({ staff: true });
  await recorded(...many(10), ...days.map(rare));

  const pages = [1, 2, 3].map(async (page) => {
    const path = `/api/events/?event_type=token_created&page_size=1&${params}&page=${page}`;
    return (await (await get(path, token)).json<{ message: string }[]>())[0]?.message;
  });
  expect(await Promise.all(pages)).toEqual(listed);
});
