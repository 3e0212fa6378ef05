import type { Actor, UserLookup } from "./actor.ts";

/** The result of identification, by local.ts or waldur.ts. */
export interface Principal {
  actor: Actor;
  lookUpUser: UserLookup;
  /** A hash that stands for the token. */
  key: string;
}

/** The credentials of a request, and the means to check them. */
export interface Credentials {
  token: string;
  /** The same in a form that Waldur reads: `Token K` or `Bearer K`. */
  header: string;
  /** The user to impersonate, 32 hex digits; only staff may. */
  impersonated?: string | undefined;
  /** Milliseconds. */
  now: number;
  /** Milliseconds that what the isolate knows of the token and its user may be old: IDENTITY_CACHE_MS, or less. */
  maxAge: number;
  /** The request id, for the log. */
  request: string;
  /** Runs work after the response. */
  defer: (work: Promise<unknown>) => void;
}

/** Milliseconds that an isolate caches a token or a user. A revocation takes effect within it. */
export const IDENTITY_CACHE_MS = 60_000;
/** Tokens or users in one cache of an isolate. */
export const MAX_CACHED_IDENTITIES = 10_000;
