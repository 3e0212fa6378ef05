import { Failure } from "./failure.ts";
import { useBucket } from "./local-r2.ts";
import { SPILL_BUCKET_NAME } from "./names.ts";
import { type Target, targetOptions } from "./target.ts";
import { errorOutput, wranglerOutput } from "./wrangler.ts";

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
