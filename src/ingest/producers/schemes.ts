/** How a producer may have to prove who it is. */
export const AUTHENTICATIONS = ["secret", "standard-webhooks", "github"] as const;
export type Authentication = (typeof AUTHENTICATIONS)[number];

/** During a rotation a producer has two secrets; more than these are refused when the configuration is read. */
export const MAX_SECRETS = 4;
/** Seconds a signed message may be old, or ahead of our clock. */
export const DEFAULT_TOLERANCE = 300;
