/** Who is asking. Made by auth/authenticate.ts from a token; every visibility rule is a function of it. */
export interface Actor {
  /** 32 lower-case hex digits. */
  uuid: string;
  isStaff: boolean;
  isSupport: boolean;
}

/** Staff and support see every event; others only what a scope gives them. */
export const seesEverything = (actor: Actor): boolean => actor.isStaff || actor.isSupport;
