import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { database, runBatch } from "../../../src/db/client.ts";
import { beginIncarnation } from "../../../src/events/log/incarnation.ts";
import { digestOf, fingerprintOf } from "../../../src/events/query.ts";
import { ROLE } from "../../../src/events/scopes.ts";
import { linkOf } from "../../support/big-log.ts";
import { aPerson } from "../../support/people.ts";
import { anEvent, get, hex, recorded } from "../../support/world.ts";

const OURS = "a".repeat(32);
const NOW = Date.UTC(2030, 0, 1);

const LISTS = ["", `customer_uuid=${OURS}&`, "message=event&", `related_user_uuid=${OURS}&`];

/** Events of a customer, who is also a user, and a member of staff. */
async function world() {
  const { token } = await aPerson({ staff: true });
  const context = { customer_uuid: OURS, user_uuid: OURS };
  await recorded(...Array.from({ length: 25 }, () => anEvent({ context })));
  return token;
}

const beginAnother = () => runBatch(database(env.DB), [beginIncarnation(NOW)]);

it.each(LISTS)("a page token of /api/events/?%s is an invalid page in another incarnation of the log", async (list) => {
  const token = await world();
  const next = linkOf(await get(`/api/events/?${list}`, token), "next") ?? "no next page";
  expect((await get(next, token)).status).toBe(200);

  await beginAnother();

  const response = await get(next, token);
  expect([response.status, await response.json()]).toEqual([404, { detail: "Invalid page." }]);
  const again = linkOf(await get(`/api/events/?${list}`, token), "next") ?? "no next page";
  expect(again).not.toBe(next);
  expect((await get(again, token)).status).toBe(200);
});

it("a page token that is older than incarnations is still a page", async () => {
  const token = await world();
  const next = linkOf(await get("/api/events/", token), "next") ?? "no next page";

  const response = await get(next.replace(/_[^_]*$/, ""), token);

  expect(response.status).toBe(200);
});

it("a page token of an empty list is an empty page in every incarnation, whatever hidden events its series has", async () => {
  const { token } = await aPerson({ roles: [{ scope: OURS }] });
  const visibility = { scopes: [OURS], roles: ROLE.SCOPE };
  const digest = await digestOf(visibility, { types: ["token_created"], oldestFirst: false });
  const page = `2.a_${(NOW * 1000).toString(36)}_${hex("any event")}_${fingerprintOf(digest)}_1`;
  const asked = async () => {
    const response = await get(
      `/api/events/?scope=/api/customers/${OURS}/&event_type=token_created&page=${page}`,
      token,
    );
    return [response.status, await response.json()];
  };
  expect(await asked()).toEqual([200, []]);

  await recorded(anEvent({ context: { customer_uuid: OURS } }));

  expect(await asked()).toEqual([200, []]);
});

it.each([
  "/api/events/",
  `/api/events/?customer_uuid=${OURS}`,
  "/api/events/?message=event",
  "/api/events/count/",
  "/api/events/count/?message=event",
  "/api/events-stats/",
])("the ETag of %s is of one incarnation of the log", async (path) => {
  const token = await world();
  const tag = (await get(path, token)).headers.get("ETag") ?? "no tag";
  const again = () => get(path, token, { headers: { "If-None-Match": tag } });
  expect((await again()).status).toBe(304);
  // The same number of changes as in the log that was taken back.
  await beginAnother();
  await env.DB.exec("UPDATE commit_watermark SET epoch = 0");

  expect((await again()).status).toBe(200);
});
