import { createHash, randomBytes } from "node:crypto";

/** Secret scanners can find tokens by this prefix. The 40 hex digits after it have the length of Waldur's tokens. */
const TOKEN_PREFIX = "eev_";
const TOKEN_BYTES = 20;
const SECRET_BYTES = 24;

/** A random token of a user. */
export const newToken = (): string => `${TOKEN_PREFIX}${randomBytes(TOKEN_BYTES).toString("hex")}`;

/** A random secret of a producer in INGEST_SECRETS. */
export const newSecret = (): string => randomBytes(SECRET_BYTES).toString("base64url");

/** The SHA-256 of a text, as 64 lower-case hex digits. */
export const sha256Hex = (text: string): string => createHash("sha256").update(text).digest("hex");
