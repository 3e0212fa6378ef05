import type { Context } from "hono";
import type { App } from "../env.ts";
import { sha256Hex } from "../values/bytes.ts";
import { PRIVATE_REVALIDATE } from "./json.ts";

/**
 * Weak validators made of what an answer depends on, not of its body: `W/"<key>.<version>"`. The key stands for the
 * question (with who may see what), the version for the state of the data it was answered from.
 */
export const etagOf = (key: string, version: string): string => `W/"${key}.${version}"`;

/** The versions of this question's answers that the client has; `*` for any. */
export function knownVersions(c: Context<App>, key: string): string[] {
  const header = c.req.header("If-None-Match")?.trim() ?? "";
  if (header === "*") return ["*"];
  return [...header.matchAll(/"([^"]*)"/g)].flatMap(([, tag = ""]) =>
    tag.startsWith(`${key}.`) ? tag.slice(key.length + 1) : [],
  );
}

/** 304: what the client has is still so. */
export function notModified(c: Context<App>, etag: string): Response {
  c.header("ETag", etag);
  c.header("Cache-Control", PRIVATE_REVALIDATE);
  return c.body(null, 304);
}

const SHORT_HASH_BYTES = 8;

/** A short hash of a text, for keys: 16 hex digits. */
export const shortHash = (text: string): Promise<string> => sha256Hex(text, SHORT_HASH_BYTES);
