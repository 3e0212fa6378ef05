import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import { runWrangler } from "../../src/cli/wrangler.ts";

/** The limit for the Worker without the data of the catalogue. */
const MAX_GZIP_KIB = 100;

const out = await mkdtemp(join(tmpdir(), "edge-events-bundle-"));
after(() => rm(out, { recursive: true, force: true }));

test("wrangler can deploy the Worker, which is small", async () => {
  const { code, stdout, stderr } = await runWrangler(["deploy", "--dry-run", "--minify", "--outdir", out]);
  assert.equal(code, 0, stderr);
  for (const binding of ["env.DB", "env.INGEST_QUEUE", "env.INGEST_DEAD_LETTERS", "env.SPILL", "env.CORS_ORIGINS"])
    assert.ok(stdout.includes(binding), binding);
  const bundle = (await sizes(out)).reduce((sum, size) => sum + size, 0) / 1024;
  const catalogue =
    (await sizes(join(import.meta.dirname, "../../src/catalogue"), ".json")).reduce((a, b) => a + b, 0) / 1024;
  console.log(
    `bundle: ${bundle.toFixed(1)} KiB gzip, of which the data of the catalogue are about ${catalogue.toFixed(1)} KiB`,
  );
  assert.ok(bundle - catalogue <= MAX_GZIP_KIB);
});

/** The gzipped size in bytes of each file in a folder with this ending. */
async function sizes(folder: string, ending = ".js"): Promise<number[]> {
  const files = (await readdir(folder)).filter((name) => name.endsWith(ending));
  return Promise.all(files.map(async (name) => gzipSync(await readFile(join(folder, name))).byteLength));
}
