import { describe, expect, it } from "vitest";
import { sha256Hex } from "../../src/values/bytes.ts";
import { aPerson } from "../support/people.ts";
import { get, request } from "../support/world.ts";

const asking = (Authorization: string) => request("/api/events/", { headers: { Authorization } });

describe("a token is accepted", () => {
  it.each<[form: string, header: (key: string) => string]>([
    ["after the word Token", (key) => `Token ${key}`],
    ["after the word in any case", (key) => `tOKEN ${key}`],
    ["after the word Bearer", (key) => `Bearer ${key}`],
    ["after bearer in any case", (key) => `bearer ${key}`],
    ["bare, as an API key", (key) => key],
    ["after Bearer Token", (key) => `Bearer Token ${key}`],
    ["after both words in any case", (key) => `BEARER token ${key}`],
    ["with blanks around and between", (key) => `  Token   ${key}  `],
    ["after a tab", (key) => `Token\t${key}`],
  ])("%s", async (_form, header) => {
    const { token } = await aPerson({ staff: true });

    expect((await asking(header(token))).status).toBe(200);
  });

  it.each([
    ["staff", { staff: true }],
    ["support", { support: true }],
    ["an ordinary user", {}],
  ])("of %s", async (_who, user) => {
    const { token } = await aPerson(user);

    expect((await asking(`Token ${token}`)).status).toBe(200);
  });
});

describe("401 tells what is wrong with the credentials", () => {
  it.each([
    ["a scheme we do not know", "Basic dXNlcjpwYXNz", "Authentication credentials were not provided."],
    ["an empty header", "", "Authentication credentials were not provided."],
    ["a header of blanks", "   ", "Authentication credentials were not provided."],
    ["Token alone", "Token", "Invalid token. No credentials provided."],
    ["Token and blanks", "token  ", "Invalid token. No credentials provided."],
    ["Bearer alone", "Bearer", "Invalid token. No credentials provided."],
    ["Token with two words", "Token a b", "Invalid token. Token string should not contain spaces."],
    ["Bearer with two words", "Bearer a b", "Invalid token. Token string should not contain spaces."],
    ["Bearer Token with two words", "Bearer Token a b", "Invalid token. Token string should not contain spaces."],
    [
      "characters beyond ASCII, as bytes that are not UTF-8 reach us",
      "Token abc\xff",
      "Invalid token header. Token string should not contain invalid characters.",
    ],
    ["a key nobody has", "Token 0123456789abcdef0123456789abcdef01234567", "Invalid token."],
    ["a bearer nobody has", "Bearer 0123456789abcdef0123456789abcdef01234567", "Invalid token."],
    ["a bare key nobody has", "0123456789abcdef0123456789abcdef01234567", "Invalid token."],
    ["an unknown personal access token", "Bearer w_1767225600_unknown", "Invalid token."],
  ])("%s", async (_what, header, detail) => {
    const response = await asking(header);

    expect(response.status).toBe(401);
    expect(response.headers.get("WWW-Authenticate")).toBe("Token");
    expect(response.headers.get("Content-Type")).toBe("application/json");
    expect(await response.json()).toEqual({ detail });
  });

  it("no header at all", async () => {
    const response = await request("/api/events/");

    expect(response.status).toBe(401);
    expect(response.headers.get("WWW-Authenticate")).toBe("Token");
    expect(await response.text()).toBe('{"detail":"Authentication credentials were not provided."}');
  });

  it("an inactive user", async () => {
    const { token } = await aPerson({ staff: true, active: false });

    const response = await get("/api/events/", token);

    expect(response.status).toBe(401);
    expect(response.headers.get("WWW-Authenticate")).toBe("Token");
    expect(await response.json()).toEqual({ detail: "User inactive or deleted." });
  });
});

describe("nothing but the Authorization header authenticates", () => {
  it.each<[place: string, path: (key: string) => string, headers: (key: string) => Record<string, string>]>([
    ["the query parameter x-auth-token", (key) => `/api/events/?x-auth-token=${key}`, () => ({})],
    ["that parameter with the word", (key) => `/api/events/?x-auth-token=Token%20${key}`, () => ({})],
    ["a cookie", () => "/api/events/", (key) => ({ Cookie: `sessionid=${key}; token=${key}` })],
    ["another header", () => "/api/events/", (key) => ({ "X-Auth-Token": key })],
  ])("not %s", async (_place, path, headers) => {
    const { token } = await aPerson({ staff: true });

    const response = await request(path(token), { headers: headers(token) });

    expect(response.status).toBe(401);
    expect(await response.json()).toEqual({ detail: "Authentication credentials were not provided." });
  });
});

it("a token is matched exactly: not by its hash, not in another case, not by a part of it", async () => {
  const { token } = await aPerson({ staff: true });

  for (const wrong of [await sha256Hex(token), token.toUpperCase(), token.slice(0, -1), `${token}0`]) {
    const response = await get("/api/events/", wrong);
    expect(response.status).toBe(401);
    expect(await response.json()).toEqual({ detail: "Invalid token." });
  }
});
