import { notAuthenticated } from "../http/errors.ts";

const NO_CREDENTIALS = "Authentication credentials were not provided.";
const KEYWORDS = new Set(["token", "bearer"]);

/**
 * The token in an Authorization header: `Token K`, `Bearer K`, the bare `K` (the TypeScript client's api-key style) and
 * `Bearer Token K` (what that client sends for `auth: "Token K"`). Keywords in any case.
 * Throws the 401 Waldur would answer; see "Authentication" in its contract for the texts.
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

/** Header bytes beyond ASCII reach us decoded in one way or another; no token has any. */
function checkedCharacters(token: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw notAuthenticated("Invalid token header. Token string should not contain invalid characters.");
}

/** The header as Waldur takes it: as it came where it is `Bearer K` (a personal access token), else `Token K`. */
export function waldurHeader(header: string | undefined, token: string): string {
  const isBearer = /^\s*bearer\s/i.test(header ?? "") && !/^\s*bearer\s+token\s/i.test(header ?? "");
  return `${isBearer ? "Bearer" : "Token"} ${token}`;
}
