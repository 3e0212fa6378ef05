import { SPILL_BUCKET_NAME } from "./names.ts";
import { type Target, targetOptions } from "./target.ts";
import { errorOutput, wranglerOutput } from "./wrangler.ts";

export const readObject = (target: Target, key: string): Promise<string> => run("get", key, target, ["--pipe"]);

export async function deleteObject(target: Target, key: string): Promise<void> {
  await run("delete", key, target);
}

const run = (verb: string, key: string, target: Target, options: string[] = []): Promise<string> =>
  wranglerOutput(
    ["r2", "object", verb, `${SPILL_BUCKET_NAME}/${key}`, ...options, ...targetOptions(target)],
    (finished) => `The bucket ${SPILL_BUCKET_NAME} returned an error to "${verb} ${key}": ${errorOutput(finished)}`,
  );
