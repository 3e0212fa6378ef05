import type { Actor, UserLookup } from "./actor.ts";

/** The result of identification, by local.ts or waldur.ts. */
export interface Principal {
  actor: Actor;
  lookUpUser: UserLookup;
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
  /** The request id, for the log. */
  request: string;
  /** Called before an unknown token is looked up. Throws 429 for an address with too many failures. */
  guard: () => void;
  /** Runs work after the response. */
  defer: (work: Promise<unknown>) => void;
}

/** Milliseconds that an isolate caches a token or a user. A revocation takes effect within it. */
export const IDENTITY_CACHE_MS = 60_000;
/** Tokens or users in one cache of an isolate. */
export const MAX_CACHED_IDENTITIES = 10_000;
