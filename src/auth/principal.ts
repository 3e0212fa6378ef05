import type { Actor, UserLookup } from "./actor.ts";

/** Who is asking, as one of the two ways to know it (local.ts, waldur.ts) tells. */
export interface Principal {
  actor: Actor;
  lookUpUser: UserLookup;
}

/** A request's credentials and what is needed to check them. */
export interface Credentials {
  token: string;
  /** What Waldur would take for it: `Token K` or `Bearer K`. */
  header: string;
  /** A header's value, 32 hex; only staff may use it. */
  impersonated?: string | undefined;
  /** Milliseconds. */
  now: number;
  /** For the log. */
  request: string;
  /** Called before a token we know nothing of is looked up; throws 429 for an address that failed too often. */
  guard: () => void;
  /** Lets work go on after the answer. */
  defer: (work: Promise<unknown>) => void;
}

/** Milliseconds an isolate believes what it was told of a token and of a user: a revocation is felt within it. */
export const IDENTITY_CACHE_MS = 60_000;
export const MAX_CACHED_IDENTITIES = 10_000;
