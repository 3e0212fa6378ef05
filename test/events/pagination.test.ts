import { describe, expect, it } from "vitest";
import { aPerson } from "../support/people.ts";
import { anEvent, get as getPage, messages, ORIGIN, query, recorded } from "../support/world.ts";

/** With plain page numbers in Link, as Waldur has them; tokens.test.ts has the other way. */
const get = (path: string, token: string, init: RequestInit = {}) => getPage(path, token, init, { PAGE_TOKENS: "off" });

/** Events "1" to "n", the first the newest: the order of the list. */
const events = (count: number) =>
  Array.from({ length: count }, (_, index) =>
    anEvent({ created: (2_000_000_000 - index) * 1e6, message: `${index + 1}` }),
  );

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => `${from + index}`);

/** A Link header of these (relation, query string) pairs. */
const links = (...pairs: [rel: string, search: string][]) =>
  pairs.map(([rel, search]) => `<${ORIGIN}/api/events/${search}>; rel="${rel}"`).join(", ");

describe("page_size", () => {
  it.each([
    ["10 by default", "", 10],
    ["as asked", "?page_size=3", 3],
    ["300 at most", "?page_size=301", 300],
    ["300 for a far bigger one", "?page_size=1000000000000000000000000000000", 300],
    ["300 when asked for 300", "?page_size=300", 300],
    ["10 for 0", "?page_size=0", 10],
    ["10 for a negative one", "?page_size=-1", 10],
    ["10 for a word", "?page_size=abc", 10],
    ["10 for an empty one", "?page_size=", 10],
    ["10 for a fraction", "?page_size=5.5", 10],
    ["10 for an exponent", "?page_size=1e2", 10],
    ["read with blanks before it", "?page_size=%20%203", 3],
    ["read with blanks after it", "?page_size=3%20", 3],
    ["read with leading zeros", "?page_size=003", 3],
    ["read with a plus sign", "?page_size=%2B3", 3],
    ["read with an underscore between digits", "?page_size=1_2", 12],
    ["the last one given", "?page_size=3&page_size=4", 4],
  ])("is %s", async (_what, search, size) => {
    const { token } = await aPerson({ staff: true });
    await recorded(...events(302));

    const response = await get(`/api/events/${search}`, token);

    expect(response.status).toBe(200);
    expect(await response.json()).toHaveLength(size);
    expect(response.headers.get("X-Result-Count")).toBe("302");
  });

  it("bigger than 300 is cut silently, while the Link keeps the number as asked", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(...events(301));

    const response = await get("/api/events/?page_size=1000", token);

    expect(await response.json()).toHaveLength(300);
    expect(response.headers.get("Link")).toBe(
      links(["first", "?page_size=1000"], ["next", "?page=2&page_size=1000"], ["last", "?page=2&page_size=1000"]),
    );
  });

  it("that is junk is kept in the Link, too", async () => {
    const { token } = await aPerson({ staff: true });

    const response = await get("/api/events/?page_size=abc", token);

    expect(response.headers.get("Link")).toBe(links(["first", "?page_size=abc"], ["last", "?page_size=abc"]));
  });
});

describe("page", () => {
  it.each([
    ["is 1 by default", "?page_size=2", ["1", "2"]],
    ["counts from 1", "?page_size=2&page=1", ["1", "2"]],
    ["shows what follows", "?page_size=2&page=2", ["3", "4"]],
    ["shows the rest at the end", "?page_size=2&page=3", ["5"]],
    ["may be last", "?page_size=2&page=last", ["5"]],
    ["may be last when the last one is full", "?page_size=5&page=last", ["1", "2", "3", "4", "5"]],
    ["is read with leading zeros", "?page_size=2&page=02", ["3", "4"]],
    ["is read with blanks around", "?page_size=2&page=%202%20", ["3", "4"]],
    ["is read with a plus sign", "?page_size=2&page=%2B2", ["3", "4"]],
    ["is 1 when empty", "?page_size=2&page=", ["1", "2"]],
    ["is the last one given", "?page_size=2&page=1&page=3", ["5"]],
    ["is the last one given, whatever the others are", "?page_size=2&page=abc&page=2", ["3", "4"]],
  ])("%s", async (_what, search, expected) => {
    const { token } = await aPerson({ staff: true });
    await recorded(...events(5));

    expect(await messages(token, search)).toEqual(expected);
  });

  it("that is not there, or no number, is 404 Invalid page.", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(...events(5));
    const invalid = [
      "0",
      "-1",
      "00",
      "abc",
      "1.0",
      "1e0",
      "0x1",
      "Last",
      " last",
      "1 2",
      "4",
      "1000000",
      "9007199254740993",
      "9223372036854775807",
      "9223372036854775808",
      "1000000000000000000000000000000",
      "9".repeat(400),
      "-".concat("9".repeat(400)),
    ];

    for (const page of invalid) {
      const response = await get(`/api/events/${query(["page", page], ["page_size", "2"])}`, token);
      expect(response.status, page).toBe(404);
      expect(await response.text(), page).toBe('{"detail":"Invalid page."}');
    }
  });

  it.each([
    ["1", 200],
    ["last", 200],
    ["2", 404],
  ])("%s of an empty result is %i: it has one page", async (page, status) => {
    const { token } = await aPerson({ staff: true });

    expect((await get(`/api/events/?page=${page}`, token)).status).toBe(status);
  });

  it("pages share nothing and leave nothing out", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(...events(23));

    const pages = [];
    for (const page of [1, 2, 3]) pages.push(...(await messages(token, `?page=${page}`)));

    expect(pages).toEqual(numbers(1, 23));
  });
});

describe("X-Result-Count", () => {
  it("is the number of all matching events, not of those on the page", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(...events(12), anEvent({ eventType: "project_update_succeeded" }));

    const response = await get("/api/events/?event_type=project_created&page=2&page_size=5", token);

    expect(response.headers.get("X-Result-Count")).toBe("12");
  });
});

describe("Link", () => {
  it.each<[what: string, search: string, links: [rel: string, search: string][]]>([
    [
      "of the middle: first, prev, next, last",
      "?page_size=2&page=3",
      [
        ["first", "?page_size=2"],
        ["prev", "?page=2&page_size=2"],
        ["next", "?page=4&page_size=2"],
        ["last", "?page=12&page_size=2"],
      ],
    ],
    [
      "of page 2: prev without page",
      "?page_size=2&page=2",
      [
        ["first", "?page_size=2"],
        ["prev", "?page_size=2"],
        ["next", "?page=3&page_size=2"],
        ["last", "?page=12&page_size=2"],
      ],
    ],
    [
      "of the first page: no prev",
      "?page_size=2",
      [
        ["first", "?page_size=2"],
        ["next", "?page=2&page_size=2"],
        ["last", "?page=12&page_size=2"],
      ],
    ],
    [
      "of the last page: no next",
      "?page_size=2&page=12",
      [
        ["first", "?page_size=2"],
        ["prev", "?page=11&page_size=2"],
        ["last", "?page=12&page_size=2"],
      ],
    ],
    [
      "of page=last: numbers, not the word",
      "?page=last",
      [
        ["first", ""],
        ["prev", "?page=2"],
        ["last", "?page=3"],
      ],
    ],
    [
      "without parameters: no question mark",
      "",
      [
        ["first", ""],
        ["next", "?page=2"],
        ["last", "?page=3"],
      ],
    ],
    [
      "of the only page: last without page",
      "?page_size=100&page=1",
      [
        ["first", "?page_size=100"],
        ["last", "?page_size=100"],
      ],
    ],
    [
      "with page in its sorted place",
      "?zeta=1&page=2&alpha=2",
      [
        ["first", "?alpha=2&zeta=1"],
        ["prev", "?alpha=2&zeta=1"],
        ["next", "?alpha=2&page=3&zeta=1"],
        ["last", "?alpha=2&page=3&zeta=1"],
      ],
    ],
    [
      "with one page for several given",
      "?page=1&page=2&page=",
      [
        ["first", ""],
        ["next", "?page=2"],
        ["last", "?page=3"],
      ],
    ],
  ])("%s", async (_what, search, expected) => {
    const { token } = await aPerson({ staff: true });
    await recorded(...events(23));

    const response = await get(`/api/events/${search}`, token);

    expect(response.status).toBe(200);
    expect(response.headers.get("Link")).toBe(links(...expected));
  });

  it("of an empty result has first and last", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(...events(1));

    const response = await get("/api/events/?message=nowhere", token);

    expect(response.headers.get("Link")).toBe(links(["first", "?message=nowhere"], ["last", "?message=nowhere"]));
  });

  it.each([
    ["sorts parameters by name", "?z=1&a=2", "?a=2&z=1"],
    ["sorts capitals before small letters", "?a=1&Z=2&_=3", "?Z=2&_=3&a=1"],
    ["sorts by code point, not by UTF-16 unit", "?%F0%9F%98%80=1&%EF%AC%80=2", "?%EF%AC%80=2&%F0%9F%98%80=1"],
    ["sorts a name before the longer one that begins with it", "?ab=1&a=2", "?a=2&ab=1"],
    ["keeps repeated ones in their order", "?b=2&a=x&b=1", "?a=x&b=2&b=1"],
    ["keeps a repeated filter", "?event_type=y&event_type=x", "?event_type=y&event_type=x"],
    ["keeps blank ones", "?message=", "?message="],
    ["gives blank ones their =", "?flag", "?flag="],
    ["keeps parameters it does not know", "?unknown=1", "?unknown=1"],
    ["drops empty pairs", "?&&a=1&", "?a=1"],
    ["writes a blank as +", "?q=a%20b", "?q=a+b"],
    ["reads + as a blank", "?q=a+b", "?q=a+b"],
    ["encodes +", "?q=%2B", "?q=%2B"],
    ["encodes /", "?q=a/b", "?q=a%2Fb"],
    ["encodes the comma, at which clients split", "?q=a,b", "?q=a%2Cb"],
    ["encodes *", "?q=*", "?q=%2A"],
    ["leaves ~ _ . -", "?q=~_.-", "?q=~_.-"],
    ["leaves ~ even when it came encoded", "?q=%7E", "?q=~"],
    ["encodes ! ' ( )", "?q=!'()", "?q=%21%27%28%29"],
    ["encodes : ; @ $", "?q=:;@$", "?q=%3A%3B%40%24"],
    ["encodes & and =", "?q=%26%3D", "?q=%26%3D"],
    ["encodes < > and quotes", '?q=%3C%3E"', "?q=%3C%3E%22"],
    ["encodes #", "?q=%23", "?q=%23"],
    ["encodes a lone %", "?q=100%", "?q=100%25"],
    ["encodes letters beyond ASCII as UTF-8, in capitals", "?q=õ€😀", "?q=%C3%B5%E2%82%AC%F0%9F%98%80"],
    ["replaces what is not UTF-8", "?q=%FF", "?q=%EF%BF%BD"],
    ["encodes names as well", "?a%20b[]=1", "?a+b%5B%5D=1"],
  ])("%s", async (_what, search, expected) => {
    const { token } = await aPerson({ staff: true });

    const response = await get(`/api/events/${search}`, token);

    expect(response.status).toBe(200);
    expect(response.headers.get("Link")).toBe(links(["first", expected], ["last", expected]));
  });

  it("has the path that was asked for, a suffix included", async () => {
    const { token } = await aPerson({ staff: true });

    const response = await get("/api/events.json?a=1", token);

    expect(response.headers.get("Link")).toBe(
      `<${ORIGIN}/api/events.json?a=1>; rel="first", <${ORIGIN}/api/events.json?a=1>; rel="last"`,
    );
  });

  it("leads a client through all pages: next until there is none", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(...events(7));
    const seen: string[] = [];

    let path: string | undefined = "/api/events/?page_size=3&message=";
    while (path !== undefined) {
      const response = await get(path, token);
      seen.push(...(await response.json<{ message: string }[]>()).map((event) => event.message));
      const next = response.headers
        .get("Link")
        ?.split(",")
        .find((part) => part.includes('rel="next"'));
      path = next && /<https:\/\/[^/]+(.*)>/.exec(next)?.[1];
    }

    expect(seen).toEqual(numbers(1, 7));
  });
});
