import { Connections } from "./connections.ts";
import { Memory, sizeOf } from "./memory.ts";

/*
 * A bucket in the cloud. Documented (https://developers.cloudflare.com/r2/reference/consistency/): it is consistent, and
 * takes an object as a whole or not at all.
 *
 * Assumed: the text of its error; what was read is held until its key is deleted, or for good.
 */

export interface CloudBucket {
  memory?: Memory;
  connections?: Connections;
  /** Whether the next call, of this name, is refused. */
  refuses?: (call: string) => boolean;
}

/** The bucket, for one invocation. */
export function cloudBucket(binding: R2Bucket, given: CloudBucket = {}): R2Bucket {
  const { memory = new Memory(), connections = new Connections(), refuses = () => false } = given;
  const held = new Map<string, () => void>();
  const read = (key: string, text: string): string => {
    held.get(key)?.();
    held.set(key, memory.hold(sizeOf(text)));
    return text;
  };
  const others = {
    get: async (key: string) => {
      const object = await binding.get(key);
      if (object === null) return null;
      const text = async () => read(key, await object.text());
      return { ...object, key, etag: object.etag, text, json: async () => JSON.parse(await text()) };
    },
    delete: async (keys: string | string[]) => {
      await binding.delete(keys);
      for (const key of [keys].flat()) held.get(key)?.();
    },
  };
  return new Proxy(binding, {
    get: (target, name) => {
      const call: unknown = Reflect.get(others, name) ?? Reflect.get(target, name);
      if (typeof call !== "function") return call;
      return (...args: unknown[]) =>
        connections.run(async () => {
          if (refuses(String(name))) throw new Error("We encountered an internal error.");
          return call.apply(target, args);
        });
    },
  });
}

/** A bucket that does not take anything. */
export const aRefusingBucket = () =>
  ({ put: () => Promise.reject(new Error("We encountered an internal error.")) }) as unknown as R2Bucket;
