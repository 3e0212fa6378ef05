import { dirname } from "node:path";
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

const root = `${dirname(import.meta.dirname)}/`;

export default defineConfig(async () => ({
  root,
  plugins: [
    cloudflareTest({
      wrangler: { configPath: `${root}wrangler.toml` },
      miniflare: {
        bindings: {
          AUDIT: "off",
          TEST_MIGRATIONS: await readD1Migrations(`${root}migrations`),
          INGEST_SECRETS: JSON.stringify({ waldur: ["waldur-secret"], rotating: ["new-secret", "old-secret"] }),
        },
      },
    }),
  ],
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/end-to-end/**"],
    setupFiles: ["./test/support/setup.ts"],
    isolate: false,
  },
}));
