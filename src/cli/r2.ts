import type { Target } from "./d1.ts";
import { Failure } from "./failure.ts";
import { SPILL_BUCKET_NAME } from "./names.ts";
import { runWrangler } from "./wrangler.ts";

export async function readObject(target: Target, key: string): Promise<string> {
  const { code, stdout, stderr } = await runWrangler([
    "r2",
    "object",
    "get",
    `${SPILL_BUCKET_NAME}/${key}`,
    "--pipe",
    ...where(target),
  ]);
  if (code !== 0) throw new Failure(`R2 did not give ${key}: ${stderr.trim() || stdout.trim()}`);
  return stdout;
}

export async function deleteObject(target: Target, key: string): Promise<void> {
  const { code, stdout, stderr } = await runWrangler([
    "r2",
    "object",
    "delete",
    `${SPILL_BUCKET_NAME}/${key}`,
    ...where(target),
  ]);
  if (code !== 0) throw new Failure(`R2 did not delete ${key}: ${stderr.trim() || stdout.trim()}`);
}

const where = (target: Target) => (target.remote ? ["--remote"] : ["--local", "--persist-to", target.stateDir]);
