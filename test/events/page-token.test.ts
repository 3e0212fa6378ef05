import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { linkOf } from "../support/big-log.ts";
import { numberedEvents, numbers } from "../support/numbered.ts";
import { aPerson } from "../support/people.ts";
import { get, query, recorded } from "../support/world.ts";

const CUSTOMER = "ab".repeat(16);
const YEAR = 365 * 86_400_000_000;
const ours = (count: number) => numberedEvents(count, { customer_uuid: CUSTOMER });

const texts = async (response: Response) =>
  (await response.json<{ message: string }[]>()).map(({ message }) => message);

/** The value of `page` in one of a response's links. */
const pageIn = (response: Response, rel: string) =>
  new URL(linkOf(response, rel) ?? "", "https://x").searchParams.get("page");

describe("the links of a page", () => {
  it("carry tokens of URL-safe letters that begin with the page number, and first and last as Waldur has them", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(...ours(50));

    const response = await get("/api/events/?page=3", token);

    for (const [rel, number] of [
      ["next", 4],
      ["prev", 2],
    ] as const) {
      const page = pageIn(response, rel) ?? "";
      expect(page).toMatch(/^\d+\.[A-Za-z0-9\-_~.]+$/);
      expect(linkOf(response, rel)).toBe(`/api/events/?page=${page}`);
      expect(Number.parseInt(page, 10)).toBe(number);
    }
    expect(linkOf(response, "first")).toBe("/api/events/");
    expect(linkOf(response, "last")).toBe("/api/events/?page=5");
  });

  it("go back to page 1 without page, from a number and from a token", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(...ours(30));

    const second = await get("/api/events/?page=2", token);
    const secondByToken = await get(linkOf(await get("/api/events/", token), "next") ?? "", token);

    expect(linkOf(second, "prev")).toBe("/api/events/");
    expect(linkOf(secondByToken, "prev")).toBe("/api/events/");
  });

  it("are the same pages as their numbers, in both orders, as long as nothing comes in between", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(...ours(45));
    for (const [order, all] of [
      ["o=created", numbers(1, 45).toReversed()],
      ["o=-created", numbers(1, 45)],
    ] as const) {
      let response = await get(`/api/events/?${order}`, token);
      for (const number of [2, 3, 4, 5]) {
        response = await get(linkOf(response, "next") ?? "", token);
        const page = all.slice((number - 1) * 10, number * 10);
        expect(await texts(response.clone())).toEqual(page);
        expect(await texts(await get(`/api/events/?${order}&page=${number}`, token))).toEqual(page);
      }
      expect(linkOf(response, "next")).toBeUndefined();
    }
  });

  it("end with the list, also when the last page is full", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(...ours(20));

    const last = await get(linkOf(await get("/api/events/", token), "next") ?? "", token);

    expect(await texts(last.clone())).toEqual(numbers(11, 20));
    expect(linkOf(last, "next")).toBeUndefined();
  });

  it.each([20, 30])("begin with the list, when a page of %i events goes back to its first event", async (size) => {
    const { token } = await aPerson({ staff: true });
    await recorded(...ours(50));
    const back = pageIn(await get("/api/events/?page=3", token), "prev");

    const first = await get(`/api/events/?page_size=${size}&page=${back}`, token);

    expect(await texts(first.clone())).toEqual(numbers(1, 20));
    expect(linkOf(first, "prev")).toBeUndefined();
    expect(await texts(await get(linkOf(first, "next") ?? "", token))).toEqual(numbers(21, Math.min(50, 20 + size)));
  });

  it("carry tokens for the years before 1970, too", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(...ours(25).map((event) => ({ ...event, created: event.created - 100 * YEAR })));

    const second = await get(linkOf(await get("/api/events/", token), "next") ?? "", token);

    expect(pageIn(second, "next")).toMatch(/^3\.a_~/);
    expect(await texts(second)).toEqual(numbers(11, 20));
  });

  it("are plain numbers when tokens are switched off, while tokens still work", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(...ours(30));
    const off = { PAGE_TOKENS: "off" };
    const given = pageIn(await get("/api/events/", token), "next");

    const response = await get("/api/events/?page=2", token, {}, off);
    const byToken = await get(`/api/events/?page=${given}`, token, {}, off);

    expect([linkOf(response, "next"), linkOf(response, "prev")]).toEqual(["/api/events/?page=3", "/api/events/"]);
    expect(await texts(byToken)).toEqual(numbers(11, 20));
    expect(pageIn(byToken, "next")).toBe("3");
  });
});

describe("a page token", () => {
  /** A token of the list's second page, which is there. */
  async function given(token: string, search = "") {
    const first = await get(`/api/events/?${search}`, token);
    expect((await get(linkOf(first, "next") ?? "", token)).status).toBe(200);
    const page = pageIn(first, "next") ?? "";
    expect(page).toMatch(/^2\./);
    return page;
  }

  const invalid = async (search: string, token: string) => {
    const response = await get(`/api/events/${search}`, token);
    expect(response.status, search).toBe(404);
    expect(await response.json(), search).toEqual({ detail: "Invalid page." });
  };

  it("that is malformed is an invalid page", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(...ours(30));
    const page = await given(token);
    const [number, direction = "", time = "", id = "", fingerprint = ""] = page.split(/[._]/);

    for (const bad of [
      "2.",
      ".a",
      "2.a",
      "2.5",
      `${page}0`,
      `${page} x`,
      page.slice(0, -1),
      page.toUpperCase(),
      `0${page}`,
      `-${page}`,
      `x${page}`,
      page.replace(".a", ".c"),
      `${number}.${direction}_${time}_${fingerprint}`,
      `${number}.${direction}__${id}_${fingerprint}`,
      `${number}.${direction}_zzzzzzzzzzz_${id}_${fingerprint}`,
      `${number}.${direction}_${time}_zzzzzzzzzzz_${fingerprint}`,
      `${number}.${direction}_~~${time}_${id}_${fingerprint}`,
      `${number}.${direction}_${time}%00_${id}_${fingerprint}`,
    ])
      await invalid(query(["page", bad]), token);
  });

  it("whose fingerprint has a changed letter is an invalid page", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(...ours(30));
    const page = await given(token);

    for (let at = page.length - 12; at < page.length; at++) {
      const changed = page.slice(0, at) + (page[at] === "0" ? "1" : "0") + page.slice(at + 1);
      await invalid(query(["page", changed]), token);
    }
  });

  it("of another filter or of the other order is an invalid page", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(...ours(30));
    const page = await given(token);

    for (const search of [
      "o=created",
      `customer_uuid=${CUSTOMER}`,
      "event_type=project_created",
      "message=1",
      "created_from=1",
      "created_to=1800000000",
      "feature=projects",
    ])
      await invalid(`?${search}&page=${page}`, token);
    await invalid(`?page=${await given(token, "o=created")}`, token);
    await invalid(`?page=${await given(token, `customer_uuid=${CUSTOMER}`)}&user_uuid=${CUSTOMER}`, token);
  });

  it("comes after errors of the filters", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(...ours(30));

    const response = await get(`/api/events/?o=x&page=${await given(token)}x`, token);

    expect(response.status).toBe(400);
    expect(Object.keys(await response.json<object>())).toEqual(["o"]);
  });

  it("may be used with another page_size and another choice of fields, and means the place it was made for", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(...ours(30));
    const page = await given(token);

    expect(await texts(await get(`/api/events/?page_size=3&field=message&page=${page}`, token))).toEqual([
      "11",
      "12",
      "13",
    ]);
    expect(await texts(await get(`/api/events/?page_size=300&unknown=1&page=${page}`, token))).toEqual(numbers(11, 30));
  });

  it("of an event that has gone still means its place", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(...ours(30));
    const page = await given(token);
    await env.DB.exec("DELETE FROM events WHERE message IN ('9', '10', '11')");

    expect(await texts(await get(`/api/events/?page=${page}`, token))).toEqual(numbers(12, 21));
  });
});
