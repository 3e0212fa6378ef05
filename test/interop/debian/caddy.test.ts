import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { debianProgram, Program } from "./programs.ts";
import { describeProxy } from "./through-proxy.ts";

const CADDY = debianProgram("caddy");

/** No port for commands, and no certificates. */
const ALONE = "{\n\tadmin off\n\tauto_https off\n}\n";

describeProxy("Caddy", "caddyfile", async (example, folder) => {
  const config = join(folder, "Caddyfile");
  await writeFile(config, ALONE + example);
  const own = { HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder };
  return new Program(CADDY, ["run", "--config", config, "--adapter", "caddyfile"], own);
});
