import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { database, runBatch } from "../../src/db/client.ts";
import { deleteOldest } from "../../src/events/log/retention.ts";
import { aPerson } from "../support/people.ts";
import { anEvent, hex, recorded } from "../support/world.ts";
import { Collector } from "./collector.ts";

/** Microseconds. */
const T = 1_760_000_000_000_000;
const OURS = hex("ours");
const scope = `scope=/api/customers/${OURS}/`;
const ours = (created: number) =>
  anEvent({ created, eventType: "customer_update_succeeded", context: { customer_uuid: OURS } });
const deleteBefore = (time: number) => runBatch(database(env.DB), deleteOldest(time));

it("tells staff who read one scope what is gone, and 410 when they have not read it", async () => {
  const { token } = await aPerson({ staff: true });
  await recorded(ours(T), ours(T + 1), ours(T + 2));
  const collector = await new Collector(token, scope).finish();
  const behind = new Collector(token, scope);
  await behind.step(1);

  await deleteBefore(T + 2);
  await collector.finish();

  expect([...collector.events.keys()]).toEqual([3]);
  expect((await behind.step(1)).status).toBe(410);
});
