import { notAuthenticated } from "../http/errors.ts";

const NO_CREDENTIALS = "Authentication credentials were not provided.";
const KEYWORDS = new Set(["token", "bearer"]);

/**
 * The token of an Authorization header: `Token K`, `Bearer K`, the bare `K` (the api-key style of the TypeScript
 * client) or `Bearer Token K` (which that client sends for `auth: "Token K"`). Keywords in any case. Throws 401 with
 * Waldur's texts.
 */
export function readToken(header: string | undefined): string {
  const words = header?.split(/\s+/).filter(Boolean) ?? [];
  const [first = ""] = words;
  if (words.length === 0) throw notAuthenticated(NO_CREDENTIALS);
  if (!KEYWORDS.has(first.toLowerCase())) {
    if (words.length > 1) throw notAuthenticated(NO_CREDENTIALS);
    return checkedCharacters(first);
  }
  const rest = words.slice(isKeywordPair(words) ? 2 : 1);
  const [token] = rest;
  if (token === undefined) throw notAuthenticated("Invalid token. No credentials provided.");
  if (rest.length > 1) throw notAuthenticated("Invalid token. Token string should not contain spaces.");
  return checkedCharacters(token);
}

/** `Bearer Token K`: three words, of which two are keywords. */
function isKeywordPair(words: string[]): boolean {
  return words.length === 3 && words[0]?.toLowerCase() === "bearer" && words[1]?.toLowerCase() === "token";
}

/** Throws 401 for a token with characters beyond ASCII, which the platform decodes in different ways. */
function checkedCharacters(token: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw notAuthenticated("Invalid token header. Token string should not contain invalid characters.");
}

/** The header in a form that Waldur reads: unchanged for `Bearer K` (a personal access token), else `Token K`. */
export function waldurHeader(header: string | undefined, token: string): string {
  const isBearer = /^\s*bearer\s/i.test(header ?? "") && !/^\s*bearer\s+token\s/i.test(header ?? "");
  return `${isBearer ? "Bearer" : "Token"} ${token}`;
}
