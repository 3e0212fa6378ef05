import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { database } from "../../../src/db/client.ts";
import { forgetObject, selectObject, setObject } from "../../../src/events/objects/repair.ts";
import { hex } from "../../support/world.ts";

const [uuid, customer, project] = [hex("object"), hex("customer"), hex("project")];

it("a correction changes the facts that it names, and keeps the others", async () => {
  const db = database(env.DB);
  await setObject(db, uuid, { type: "openstack.instance", customer, project }, 1);
  await setObject(db, uuid, { customer: hex("other") }, 2);

  expect(await selectObject(db, uuid)).toEqual([
    {
      uuid,
      type: "openstack.instance",
      customer: hex("other"),
      project,
      backingResource: null,
      learnedAt: 2,
      producer: null,
    },
  ]);
});

it("an object is forgotten once", async () => {
  const db = database(env.DB);
  await setObject(db, uuid, { customer }, 1);

  expect(await forgetObject(db, uuid)).toEqual([{ uuid }]);
  expect(await forgetObject(db, uuid)).toEqual([]);
});
