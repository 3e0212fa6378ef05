import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { linkOf } from "../support/big-log.ts";
import { stopClock } from "../support/clock.ts";
import { aPerson } from "../support/people.ts";
import { anEvent, get, query, recorded, request, rowsRead } from "../support/world.ts";

const [OURS, THEIRS] = ["a".repeat(32), "b".repeat(32)];

/** Five events of our customer and five of another, over two months; ids 1 to 10. */
const tenEvents = () =>
  recorded(
    ...Array.from({ length: 10 }, (_, index) =>
      anEvent({
        created: Date.UTC(2025, 5 + (index % 2), 1 + index) * 1000,
        message: `Event ${index}`,
        context: { customer_uuid: index < 5 ? OURS : THEIRS },
      }),
    ),
  );

const PATHS = [
  "/api/events/",
  "/api/events/?page=2&page_size=3",
  "/api/events/?page=last&page_size=3",
  `/api/events/?customer_uuid=${OURS}`,
  `/api/events/?customer_uuid=${OURS}&o=created&field=message`,
  "/api/events/?event_type=project_created",
  "/api/events/?message=event",
  "/api/events/?unknown=1",
  "/api/events/1/",
  "/api/events/count/",
  `/api/events/count/?customer_uuid=${OURS}`,
  "/api/events/count/?message=event",
  "/api/events/event_groups/",
  "/api/events/scope_types/",
  "/api/events-stats/",
];

/** The catalogue changes with the code only. */
const cacheControl = (path: string) =>
  /event_groups|scope_types/.test(path) ? "private, max-age=86400" : "private, no-cache";

const etagOf = async (path: string, token: string, init: RequestInit = {}) =>
  (await get(path, token, init)).headers.get("ETag") ?? "no tag";

const withTag = (path: string, token: string, tag: string, init: RequestInit = {}) =>
  get(path, token, { ...init, headers: { "If-None-Match": tag } });

describe("every GET", () => {
  it.each(PATHS)("%s has a weak ETag that HEAD has, too, and no shared cache may keep it", async (path) => {
    const { token } = await aPerson({ staff: true });
    await tenEvents();

    const response = await get(path, token);

    expect(response.status).toBe(200);
    expect(response.headers.get("ETag")).toMatch(/^W\/"[\x21\x23-\x7e]+"$/);
    expect(response.headers.get("Cache-Control")).toBe(cacheControl(path));
    expect(await etagOf(path, token, { method: "HEAD" })).toBe(response.headers.get("ETag"));
  });

  it.each(PATHS)("%s is 304 without a body for who has it, and 200 for who has another", async (path) => {
    const { token } = await aPerson({ staff: true });
    await tenEvents();
    const tag = await etagOf(path, token);

    for (const method of ["GET", "HEAD"]) {
      const same = await withTag(path, token, tag, { method });
      expect(same.status, method).toBe(304);
      expect(await same.text(), method).toBe("");
      expect(same.headers.get("ETag"), method).toBe(tag);
      expect(same.headers.get("Cache-Control"), method).toBe(cacheControl(path));
      expect(same.headers.get("Content-Length"), method).toBeNull();
    }
    expect((await withTag(path, token, 'W/"another"')).status).toBe(200);
  });

  it.each([
    ["its strong form", 304, (tag: string) => tag.slice(2)],
    ["its ETag in a list", 304, (tag: string) => `"x", ${tag} ,W/"y"`],
    ["its ETag in a list without blanks", 304, (tag: string) => `W/"x",${tag}`],
    ["anything", 304, () => "*"],
    ["others", 200, () => '"x", W/"y"'],
    ["its ETag without quotes", 200, (tag: string) => tag.slice(3, -1)],
    ["nothing", 200, () => ""],
  ])("with %s in If-None-Match is %i", async (_what, status, header) => {
    const { token } = await aPerson({ staff: true });
    await tenEvents();
    for (const path of ["/api/events/", "/api/events/count/?message=event", "/api/events-stats/", "/api/events/1/"]) {
      const tag = await etagOf(path, token);
      expect((await withTag(path, token, header(tag))).status, path).toBe(status);
    }
  });
});

describe("an ETag of what is shown of a customer", () => {
  const feed = [
    `/api/events/?customer_uuid=${OURS}`,
    `/api/events/?customer_uuid=${OURS}&page=2&page_size=2`,
    `/api/events/count/?customer_uuid=${OURS}`,
  ];

  it.each(feed)("%s changes with an event of theirs and not with another's", async (path) => {
    const { token } = await aPerson({ staff: true });
    await tenEvents();
    const before = await etagOf(path, token);

    await recorded(anEvent({ context: { customer_uuid: THEIRS } }));
    expect(await etagOf(path, token)).toBe(before);

    await recorded(anEvent({ context: { customer_uuid: OURS } }));
    const after = await etagOf(path, token);
    expect(after).not.toBe(before);
    expect((await withTag(path, token, before)).status).toBe(200);

    await env.DB.exec("DELETE FROM events WHERE id = 2");
    expect([before, after]).not.toContain(await etagOf(path, token));
  });

  it.each([...feed, "/api/events/", "/api/events/count/", "/api/events/count/?message=event", "/api/events-stats/"])(
    "%s changes when as many come as go, and with a late event",
    async (path) => {
      const { token } = await aPerson({ staff: true });
      await tenEvents();
      const tags = new Set([await etagOf(path, token)]);

      await recorded(anEvent({ created: 0, context: { customer_uuid: OURS } }));
      tags.add(await etagOf(path, token));
      await env.DB.exec("DELETE FROM events WHERE id = 11");
      tags.add(await etagOf(path, token));
      await recorded(anEvent({ created: 0, context: { customer_uuid: OURS } }));
      tags.add(await etagOf(path, token));

      expect(tags.size).toBe(4);
    },
  );
});

describe("an ETag for those who see a part of the log", () => {
  const scope = query(["scope", `/api/customers/${OURS}/`]);
  const anUpdate = (customer: string | undefined) =>
    anEvent({ eventType: "customer_update_succeeded", context: { customer_uuid: customer } });
  const anOwner = () => aPerson({ roles: [{ scope: String(OURS) }] });

  it.each([`/api/events/${scope}`, `/api/events/count/${scope}`, `/api/events/1/${scope}`])(
    "of %s stays when hidden events come and go",
    async (path) => {
      const { token } = await anOwner();
      await recorded(anUpdate(OURS), anUpdate(OURS), anUpdate(THEIRS));
      const before = await etagOf(path, token);

      await recorded(anUpdate(THEIRS));
      expect(await etagOf(path, token)).toBe(before);
      await env.DB.exec("DELETE FROM events WHERE id = 3");
      expect(await etagOf(path, token)).toBe(before);
      expect((await withTag(path, token, before)).status).toBe(304);
    },
  );

  it("changes when one event takes the place of another", async () => {
    const { token } = await anOwner();
    await recorded(anUpdate(OURS), anUpdate(OURS));
    const before = await etagOf(`/api/events/${scope}`, token);

    await env.DB.exec("DELETE FROM events WHERE id = 2");
    await recorded(anUpdate(OURS));

    const response = await withTag(`/api/events/${scope}`, token, before);
    expect([response.status, response.headers.get("X-Result-Count")]).toEqual([200, "2"]);
  });
});

describe("an ETag", () => {
  it("differs between filters, orders, pages, sizes, fields, and between the answers to the same filter", async () => {
    const { token } = await aPerson({ staff: true });
    await tenEvents();
    const next = linkOf(await get("/api/events/?page_size=3", token), "next") ?? "";
    const paths = [...PATHS, "/api/events/?page_size=4", "/api/events/?page_size=3", next, "/api/events/2/"];

    const tags = await Promise.all(paths.map((path) => etagOf(path, token)));

    expect(new Set(tags).size).toBe(paths.length);
  });

  it("of one URL is not that of another, even when the data behind both are in the same state", async () => {
    const { token } = await aPerson({ staff: true });
    await tenEvents();
    for (const path of ["/api/events/?page_size=3", "/api/events/?o=created", "/api/events/count/"]) {
      expect((await withTag(path, token, await etagOf("/api/events/", token))).status, path).toBe(200);
    }
  });

  it("changes with an event that gets Waldur's uuid, though none has come and none has gone", async () => {
    const { token } = await aPerson({ staff: true });
    const content = "c".repeat(32);
    const event = anEvent({ uuid: content, context: { customer_uuid: OURS } });
    await recorded(event);
    const paths = [
      "/api/events/",
      `/api/events/?customer_uuid=${OURS}`,
      "/api/events/?message=event",
      "/api/events/1/",
    ];
    const tags = await Promise.all(paths.map((path) => etagOf(path, token)));

    await recorded({ ...event, uuid: "d".repeat(32), content });

    for (const [index, path] of paths.entries()) {
      const response = await withTag(path, token, tags[index] ?? "");
      expect(response.status, path).toBe(200);
      expect(await response.text(), path).toContain("d".repeat(32));
    }
  });

  it.each(["", "&page=last&page_size=1", "&message=ours"])(
    "of one who sees a part (%s) stays when events come and go that they do not see",
    async (more) => {
      const { token } = await aPerson({ roles: [{ scope: OURS }] });
      const seen = (message: string, customer: string) =>
        anEvent({ eventType: "customer_update_succeeded", message, context: { customer_uuid: customer } });
      await recorded(seen("ours", OURS), seen("ours", OURS), seen("theirs", THEIRS));
      const path = `/api/events/?scope=/api/customers/${OURS}/${more}`;
      const before = await get(path, token);
      expect(before.headers.get("X-Result-Count")).toBe("2");
      const tag = before.headers.get("ETag") ?? "no tag";

      await recorded(seen("theirs", THEIRS));
      await env.DB.exec("DELETE FROM events WHERE message = 'theirs'");

      expect(await etagOf(path, token)).toBe(tag);
      expect((await withTag(path, token, tag)).status).toBe(304);
    },
  );

  it("of one who sees everything is not that of one who sees nothing", async () => {
    await tenEvents();
    for (const path of ["/api/events/", "/api/events/count/", "/api/events-stats/"]) {
      const tag = await etagOf(path, (await aPerson({ staff: true })).token);
      const response = await withTag(path, (await aPerson()).token, tag);
      expect(response.status, path).toBe(200);
      expect(response.headers.get("X-Result-Count"), path).toBe("0");
    }
  });

  it("is not sent with the errors 401, 400 and 404, which no cache may store", async () => {
    const { token } = await aPerson({ staff: true });
    for (const [path, headers, status] of [
      ["/api/events/", { Authorization: "Token unknown" }, 401],
      ["/api/events/?o=x", {}, 400],
      ["/api/events/?page=99", {}, 404],
      ["/api/events/99/", {}, 404],
    ] as const) {
      const response = await get(path, token, { headers: { "If-None-Match": 'W/"x"', ...headers } });
      expect(response.status, path).toBe(status);
      expect(response.headers.get("ETag"), path).toBeNull();
      expect(response.headers.get("Cache-Control"), path).toBe("no-store");
    }
  });
});

it.each([
  "/api/events/",
  `/api/events/?customer_uuid=${OURS}`,
  "/api/events/count/",
  "/api/events/count/?message=event",
])("%s that has not changed reads 20 rows at most in one trip, when the isolate knows who is asking", async (path) => {
  stopClock("2026-05-01T00:00:00Z");
  const { token } = await aPerson({ staff: true });
  await tenEvents();

  const same = await withTag(path, token, await etagOf(path, token));

  expect(same.status).toBe(304);
  expect(rowsRead(same)).toBeLessThanOrEqual(20);
  expect(same.headers.get("Server-Timing")).toMatch(/trips;desc="1"$/);
});

it("nothing may be kept by a shared cache but the description of the API", async () => {
  const { token } = await aPerson({ staff: true });
  for (const path of [...PATHS, "/healthz", "/nowhere", "/api/nowhere/"])
    expect((await get(path, token)).headers.get("Cache-Control") ?? "", path).toMatch(/^(private, .*|no-store)$/);

  expect((await request("/openapi.json")).headers.get("Cache-Control")).toMatch(/^public/);
});
