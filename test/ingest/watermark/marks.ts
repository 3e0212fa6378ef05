import { env } from "cloudflare:workers";
import { WATERMARK_KEY } from "../../../src/ingest/queue/keys.ts";
import type { Mark } from "../../../src/ingest/watermark/mark.ts";

export const NOW = Date.UTC(2026, 4, 1, 12);
/** The same as the clocks of tests want it. */
export const NOON = new Date(NOW).toISOString();
export const MINUTE = 60_000;

const OPEN: Mark = { id: "open", at: NOW, unseen: { reason: "retried", since: 0, until: 0 }, outside: null };

/** Writes a mark: one that lets the watermark advance, with changes. */
export const writeMark = (changed: Partial<Mark> = {}) =>
  env.SPILL.put(WATERMARK_KEY, JSON.stringify({ ...OPEN, ...changed }));

export const mark = async (): Promise<Mark | undefined> => (await env.SPILL.get(WATERMARK_KEY))?.json();

/** The watermark, milliseconds. */
export const through = async () =>
  Number(await env.DB.prepare("SELECT complete_through FROM commit_watermark").first("complete_through")) / 1_000;

/** The bucket. `before` runs before each call. */
export const watched = (before: (call: string, key: unknown) => unknown): R2Bucket =>
  new Proxy(env.SPILL, {
    get: (target, name) => {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== "function") return method;
      return async (...given: unknown[]) => {
        await before(String(name), given[0]);
        return method.apply(target, given);
      };
    },
  });
