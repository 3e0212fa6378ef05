import { describe, expect, it } from "vitest";
import { LAST_TIME } from "../../../src/values/time.ts";
import { aPerson } from "../../support/people.ts";
import { anEvent, get, hex, query, recorded, rowsRead } from "../../support/world.ts";

const CUSTOMER = hex("customer");
/** The bounds that Waldur's years allow, the first and the last second that an event may have, and some between. */
const BOUNDS = [
  ...[-62_135_596_800, -60_000_000_000, -50_000_000_000, -9_007_199_255, -9_007_199_254, -8_993_721_600],
  ...[0, 9_007_199_254, 9_007_199_255, 9_007_199_256, 9_500_000_000, 253_370_764_800, 253_402_300_799],
];
/** Microseconds, of one event each. */
const TIMES = [-8_993_721_600_000_000, -5, 1_750_000_000_000_000, LAST_TIME];

const FILTERS: [name: string, value: string][][] = [
  [],
  [["customer_uuid", CUSTOMER]],
  [["event_type", "token_created"]],
  [
    ["event_type", "token_created"],
    ["customer_uuid", CUSTOMER],
  ],
  [["message", "time"]],
  [
    ["auth_method", "token"],
    ["event_type", "never_sent"],
  ],
];

const someEvents = () =>
  recorded(
    ...TIMES.map((created) =>
      anEvent({
        created,
        eventType: "token_created",
        message: `time ${created}`,
        context: { customer_uuid: CUSTOMER, auth_method: "token" },
      }),
    ),
  );

describe("created_from and created_to beyond the times of all events", () => {
  it.each(FILTERS)("find what lies between them, listed and counted (with %j %j)", async (...filters) => {
    const { token } = await aPerson({ staff: true });
    await someEvents();
    const isNeverSent = filters.some(([, value]) => value === "never_sent");

    for (const from of BOUNDS) {
      for (const to of BOUNDS) {
        const search = query(["created_from", `${from}`], ["created_to", `${to}`], ["o", "created"], ...filters);
        const found = TIMES.filter((time) => !isNeverSent && time >= from * 1e6 && time < to * 1e6);
        const list = await get(`/api/events/${search}`, token);
        const listed = (await list.json<{ message: string }[]>()).map(({ message }) => message);
        expect(listed, search).toEqual(found.map((time) => `time ${time}`));
        expect(list.headers.get("X-Result-Count"), search).toBe(String(found.length));
        const count = await get(`/api/events/count/${search}`, token);
        expect(await count.json(), search).toEqual({ count: found.length });
      }
    }
  });

  it("cost no more than no bounds", async () => {
    const { token } = await aPerson({ staff: true });
    await someEvents();
    const rows = async (search: string) => rowsRead(await get(`/api/events/count/?${search}`, token));
    await rows("");

    const far = `created_from=${BOUNDS[1]}&created_to=${BOUNDS.at(-1)}`;
    expect(await rows(far)).toBe(await rows("o=created"));
    expect(await rows(`${far}&customer_uuid=${CUSTOMER}`)).toBe(await rows(`customer_uuid=${CUSTOMER}`));
  });
});
