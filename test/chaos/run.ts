/// <reference types="node" />
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";

const root = new URL("../..", import.meta.url);
const { values } = parseArgs({
  options: { events: { type: "string", default: "100000" }, seed: { type: "string", default: "1" } },
});
for (const [name, value] of Object.entries(values)) {
  if (/^[1-9]\d{0,7}$/.test(value)) continue;
  console.error(`--${name} must be a whole number from 1 on.`);
  process.exit(2);
}

/** Runs chaos.test.ts in workerd; its last line is what it came to. */
const child = spawn(
  process.execPath,
  ["node_modules/vitest/vitest.mjs", "run", "--silent=false", "--config", "test/vitest.config.ts", "test/chaos"],
  {
    cwd: root,
    env: { ...process.env, CHAOS_EVENTS: values.events, CHAOS_SEED: values.seed },
    stdio: ["ignore", "pipe", "inherit"],
  },
);
let result = `chaos: sent ${values.events}, nothing known of the rest`;
createInterface({ input: child.stdout }).on("line", (line) => {
  if (line.includes("chaos: sent ")) result = line.slice(line.indexOf("chaos: sent "));
  else console.log(line);
});
child.on("close", (code) => {
  console.log(result);
  process.exitCode =
    code === 0 && / dead 0, lost 0, twice 0; feed: delivered \d+, lost 0, reordered 0; watermark wrong 0$/.test(result)
      ? 0
      : 1;
});
