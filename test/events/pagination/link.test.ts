import { describe, expect, it, vi } from "vitest";
import { linkOf } from "../../support/big-log.ts";
import { numberedEvents, numbers } from "../../support/numbered.ts";
import { aPerson } from "../../support/people.ts";
import { get as getPage, ORIGIN, recorded } from "../../support/world.ts";

/** With plain page numbers in Link, as Waldur has them; page-token.test.ts has the other way. */
const get = (path: string, token: string, init: RequestInit = {}) => getPage(path, token, init, { PAGE_TOKENS: "off" });

/** A Link header of these (relation, query string) pairs. */
const links = (...pairs: [rel: string, search: string][]) =>
  pairs.map(([rel, search]) => `<${ORIGIN}/api/events/${search}>; rel="${rel}"`).join(", ");

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
    await recorded(...numberedEvents(23));

    const response = await get(`/api/events/${search}`, token);

    expect(response.status).toBe(200);
    expect(response.headers.get("Link")).toBe(links(...expected));
  });

  it.each(["https://waldur.example.com", "https://waldur.example.com/"])(
    "of a server behind the proxy of %s has its origin, with the path and the parameters of the request",
    async (PUBLIC_ORIGIN) => {
      const { token } = await aPerson({ staff: true });
      await recorded(...numberedEvents(3));
      const bindings = { PAGE_TOKENS: "off", PUBLIC_ORIGIN };

      const response = await getPage("/api/events/?page_size=2&field=message", token, {}, bindings);

      expect(response.headers.get("Link")).toBe(
        links(
          ["first", "?field=message&page_size=2"],
          ["next", "?field=message&page=2&page_size=2"],
          ["last", "?field=message&page=2&page_size=2"],
        ).replaceAll(ORIGIN, "https://waldur.example.com"),
      );
    },
  );

  it.each([
    ["X-Forwarded-Host", "evil.example.com"],
    ["Forwarded", "host=evil.example.com;proto=http"],
    ["X-Forwarded-Proto", "http"],
  ])("has the origin of the request, not that of a header %s, which every client can send", async (name, value) => {
    const { token } = await aPerson({ staff: true });

    const response = await get("/api/events/", token, { headers: { [name]: value } });

    expect(response.headers.get("Link")).toBe(links(["first", ""], ["last", ""]));
  });

  it.each(["waldur.example.com", "waldur:8080", "ftp://waldur.example.com"])(
    "is an error of the configuration, and no list, with PUBLIC_ORIGIN %s",
    async (PUBLIC_ORIGIN) => {
      const log = vi.spyOn(console, "error").mockImplementation(() => {});
      const { token } = await aPerson({ staff: true });

      const response = await getPage("/api/events/", token, {}, { PUBLIC_ORIGIN });

      expect(response.status).toBe(500);
      expect(String(log.mock.calls[0])).toContain("PUBLIC_ORIGIN must be like https://waldur.example.com.");
    },
  );

  it("of an empty result has first and last", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(...numberedEvents(1));

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

  it("keeps a page_size bigger than 300 as it was asked, while the page is cut silently", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(...numberedEvents(301));

    const response = await get("/api/events/?page_size=1000", token);

    expect(await response.json()).toHaveLength(300);
    expect(response.headers.get("Link")).toBe(
      links(["first", "?page_size=1000"], ["next", "?page=2&page_size=1000"], ["last", "?page=2&page_size=1000"]),
    );
  });

  it("keeps a page_size that is junk", async () => {
    const { token } = await aPerson({ staff: true });

    const response = await get("/api/events/?page_size=abc", token);

    expect(response.headers.get("Link")).toBe(links(["first", "?page_size=abc"], ["last", "?page_size=abc"]));
  });

  it("leads a client through all pages: next until there is none", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(...numberedEvents(7));
    const seen: string[] = [];

    let path: string | undefined = "/api/events/?page_size=3&message=";
    while (path !== undefined) {
      const response: Response = await get(path, token);
      seen.push(...(await response.json<{ message: string }[]>()).map((event) => event.message));
      path = linkOf(response, "next");
    }

    expect(seen).toEqual(numbers(1, 7));
  });
});
