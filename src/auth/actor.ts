/** A role of a user on one object, as Waldur grants it. */
export interface Role {
  /** The kind of object: `customer`, `project`, `offering` … (Waldur's model names). */
  scopeType: string;
  /** The object, 32 hex digits. */
  scope: string;
  /** The customer of the object, where it was given with the role. */
  customer?: string;
  /** Microseconds; the role has no effect from then on. */
  expires?: number;
}

/** The user who makes a request. authenticate.ts makes it from a token; every visibility rule depends on it. */
export interface Actor {
  /** 32 lower-case hex digits. */
  uuid: string;
  isStaff: boolean;
  isSupport: boolean;
  /** Includes expired roles; permissions.ts compares the time. */
  roles: readonly Role[];
  /** The staff user who runs this request as the actor. */
  impersonator?: string;
}

/** The facts about another user: whether they exist, and either their roles or whether the actor may see them. */
export type OtherUser = { known: boolean; roles: readonly Role[] } | { known: boolean; visible: boolean };

/** Looks up another user (32 hex digits) on behalf of the actor. */
export type UserLookup = (user: string) => Promise<OtherUser>;

/** Whether the actor sees every event. Others see only the events of a scope. */
export const seesEverything = (actor: Actor): boolean => actor.isStaff || actor.isSupport;
