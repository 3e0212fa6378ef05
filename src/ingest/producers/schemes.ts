/** The ways in which a producer can prove its identity. */
export const AUTHENTICATIONS = ["secret", "standard-webhooks", "github"] as const;
export type Authentication = (typeof AUTHENTICATIONS)[number];

/** Secrets of one producer. A rotation needs two. A configuration with more is rejected when it is read. */
export const MAX_SECRETS = 4;
/** Seconds that a signed message may be old, or ahead of our clock. */
export const DEFAULT_TOLERANCE = 300;

/** The formats that the bodies of a producer can have, whatever their Content-Type says. */
export const FORMAT_NAMES = ["json", "ndjson", "form", "cloudevents", "cloudevents-batch"] as const;
export type FormatName = (typeof FORMAT_NAMES)[number];
