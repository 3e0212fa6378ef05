import { expect, it } from "vitest";
import { laggingReplicas } from "../../cloud/replicas.ts";
import { load } from "../../support/big-log.ts";
import { aPerson } from "../../support/people.ts";
import { anEvent, get, hex, recorded } from "../../support/world.ts";

const CUSTOMER = hex("customer");
const DAY = Date.UTC(2026, 4, 1) * 1000;
const MINUTE = 60_000_000;
const EVENTS = 400;
/** So deep that the counters are read first. */
const DEEP_PAGE = `/api/events/?customer_uuid=${CUSTOMER}&page=30&page_size=10`;

/** The number of the read of rows among those of a request whose token is known: the counters come before it. */
const ROWS = 2;

const ofCustomer = (minute: number) =>
  anEvent({
    uuid: hex(`minute ${minute}`),
    created: DAY + minute * MINUTE,
    eventType: "customer_update_succeeded",
    context: { customer_uuid: CUSTOMER },
  });

it("a deep page does not move by an event that is written between its counters and its rows", async () => {
  const cloud = await laggingReplicas();
  cloud.lag = () => "primary";
  const { token } = await aPerson({ staff: true });
  await load(Array.from({ length: EVENTS }, (_, minute) => ofCustomer(minute)));
  const page = async () => (await (await get(DEEP_PAGE, token)).json<{ uuid: string }[]>()).map(({ uuid }) => uuid);
  const before = await page();
  let reads = 0;
  cloud.beforeRead = async () => {
    reads += 1;
    if (reads === ROWS) await recorded(ofCustomer(EVENTS - 5.5));
  };

  expect(await page()).toEqual(before);
  expect(reads).toBe(ROWS);
  expect(await page()).not.toEqual(before);
});
