import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Failure } from "./failure.ts";
import { openBucket, useBucket } from "./local-r2.ts";
import { SPILL_BUCKET_NAME } from "./names.ts";
import { type Target, targetOptions } from "./target.ts";
import { errorOutput, runWrangler, wranglerOutput } from "./wrangler.ts";

/** Keys in one call of R2's delete. */
const MAX_DELETED = 1_000;

/** Returns the text of an object. Throws a Failure when there is none. */
export async function readObject(target: Target, key: string): Promise<string> {
  if (target.remote) return run("get", key, target, ["--pipe"]);
  const text = await useBucket(target.stateDir, async (bucket) => (await bucket.get(key))?.text());
  if (text === undefined) throw new Failure(`The bucket ${SPILL_BUCKET_NAME} has no object ${key}.`);
  return text;
}

export async function deleteObjects(target: Target, keys: readonly string[]): Promise<void> {
  if (keys.length === 0) return;
  if (target.remote) for (const key of keys) await run("delete", key, target);
  else
    await useBucket(target.stateDir, async (bucket) => {
      for (let start = 0; start < keys.length; start += MAX_DELETED) {
        await bucket.delete(keys.slice(start, start + MAX_DELETED));
      }
    });
}

const run = (verb: string, key: string, target: Target, options: string[] = []): Promise<string> =>
  wranglerOutput(
    ["r2", "object", verb, `${SPILL_BUCKET_NAME}/${key}`, ...options, ...targetOptions(target)],
    (finished) => `The bucket ${SPILL_BUCKET_NAME} returned an error to "${verb} ${key}": ${errorOutput(finished)}`,
  );

/** The bucket, for several objects. */
export interface ObjectBucket {
  /** Undefined when there is no such object. */
  get(key: string): Promise<Uint8Array | undefined>;
  put(key: string, content: Uint8Array): Promise<void>;
  delete(key: string): Promise<void>;
}

/** Lets a function use the bucket, which is opened when it is needed. */
export function withBucket<T>(target: Target, use: (bucket: ObjectBucket) => Promise<T>): Promise<T> {
  return target.remote ? use(remoteBucket(target)) : withLocalBucket(target.stateDir, use);
}

async function withLocalBucket<T>(stateDir: string, use: (bucket: ObjectBucket) => Promise<T>): Promise<T> {
  let opened: ReturnType<typeof openBucket> | undefined;
  const bucket = async () => {
    opened ??= openBucket(stateDir);
    return (await opened).bucket;
  };
  try {
    return await use({
      get: async (key) => {
        const object = await (await bucket()).get(key);
        return object === null ? undefined : new Uint8Array(await object.arrayBuffer());
      },
      put: async (key, content) => {
        await (await bucket()).put(key, content);
      },
      delete: async (key) => (await bucket()).delete(key),
    });
  } finally {
    await (await opened)?.close();
  }
}

/** What wrangler says of an object that is not there. */
const NO_OBJECT = /key does not exist/i;

/** A call takes one to three seconds. Objects go through files, as they are bytes. */
const remoteBucket = (target: Target): ObjectBucket => ({
  get: (key) =>
    withFile(async (file) => {
      const options = ["--file", file, ...targetOptions(target)];
      const finished = await runWrangler(["r2", "object", "get", `${SPILL_BUCKET_NAME}/${key}`, ...options]);
      if (finished.code === 0) return readFile(file);
      const said = errorOutput(finished);
      if (NO_OBJECT.test(said)) return undefined;
      throw new Failure(`The bucket ${SPILL_BUCKET_NAME} returned an error to "get ${key}": ${said}`);
    }),
  put: (key, content) =>
    withFile(async (file) => {
      await writeFile(file, content, { mode: 0o600 });
      await run("put", key, target, ["--file", file]);
    }),
  delete: async (key) => {
    await run("delete", key, target);
  },
});

async function withFile<T>(use: (file: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), "edge-events-"));
  try {
    return await use(join(directory, "object"));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
