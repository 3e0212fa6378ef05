/** A user's role on one object, as Waldur grants it. */
export interface Role {
  /** What the role is on: `customer`, `project`, `offering` … (Waldur's model names). */
  scopeType: string;
  /** The object, 32 hex. */
  scope: string;
  /** The customer the object belongs to, where whoever told us the role told that too. */
  customer?: string;
  /** Microseconds; the role is nothing from then on. */
  expires?: number;
}

/** Who is asking. Made by auth/authenticate.ts from a token; every visibility rule is a function of it. */
export interface Actor {
  /** 32 lower-case hex digits. */
  uuid: string;
  isStaff: boolean;
  isSupport: boolean;
  /** Expired ones may be among them: ask permissions.ts, which looks at the time. */
  roles: readonly Role[];
  /** The staff user who runs this request as the actor. */
  impersonator?: string;
}

/** What is known of another user: whether there is one, and either their roles or whether the actor may see them. */
export type OtherUser = { known: boolean; roles: readonly Role[] } | { known: boolean; visible: boolean };

/** Looks up another user (32 hex) on behalf of the actor of this request. */
export type UserLookup = (user: string) => Promise<OtherUser>;

/** Staff and support see every event; others only what a scope gives them. */
export const seesEverything = (actor: Actor): boolean => actor.isStaff || actor.isSupport;
