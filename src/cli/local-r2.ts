import { join } from "node:path";
import { SPILL_BUCKET_NAME } from "./names.ts";

const BINDING = "SPILL";

/** Opens the local bucket, for one use. */
export async function useBucket<T>(stateDir: string, use: (bucket: Bucket) => Promise<T>): Promise<T> {
  const { bucket, close } = await openBucket(stateDir);
  try {
    return await use(bucket);
  } finally {
    await close();
  }
}

/**
 * Opens the local bucket with Miniflare, in which wrangler runs it too; that takes a second. `npm start` may run
 * meanwhile.
 */
export async function openBucket(stateDir: string): Promise<{ bucket: Bucket; close: () => Promise<void> }> {
  // wrangler brings Miniflare, in the version that wrote the files. Few commands need it, and loading it takes long.
  const { convertV4MiniflareOptions, Miniflare } = await import("miniflare");
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      resourcePersistencePath: join(stateDir, "v3"),
      cf: false,
      modules: true,
      script: "",
      r2Buckets: { [BINDING]: SPILL_BUCKET_NAME },
    }),
  );
  return { bucket: await miniflare.getR2Bucket(BINDING), close: () => miniflare.dispose() };
}

type Bucket = Awaited<ReturnType<import("miniflare").Miniflare["getR2Bucket"]>>;
