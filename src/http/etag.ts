import type { Context } from "hono";
import type { App } from "../env.ts";
import { sha256Hex } from "../values/bytes.ts";
import { PRIVATE_REVALIDATE } from "./json.ts";

/** A weak ETag, `W/"<key>.<version>"`: the key stands for the request, the version for the state of the data. */
export const etagOf = (key: string, version: string): string => `W/"${key}.${version}"`;

/** The versions in If-None-Match that belong to this key; `*` for any. */
export function ifNoneMatch(c: Context<App>, key: string): string[] {
  const header = c.req.header("If-None-Match")?.trim() ?? "";
  if (header === "*") return ["*"];
  return [...header.matchAll(/"([^"]*)"/g)].flatMap(([, tag = ""]) =>
    tag.startsWith(`${key}.`) ? tag.slice(key.length + 1) : [],
  );
}

/** 304: the client has the current version. */
export function notModified(c: Context<App>, etag: string): Response {
  c.header("ETag", etag);
  c.header("Cache-Control", PRIVATE_REVALIDATE);
  return c.body(null, 304);
}

const SHORT_HASH_BYTES = 8;

/** A short hash of a text, for keys: 16 hex digits. */
export const shortHash = (text: string): Promise<string> => sha256Hex(text, SHORT_HASH_BYTES);
