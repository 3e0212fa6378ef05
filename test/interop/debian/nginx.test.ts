import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { debianProgram, Program } from "./programs.ts";
import { describeProxy } from "./through-proxy.ts";

const NGINX = debianProgram("nginx", "nginx-light");

describeProxy("nginx", "nginx", async (example, folder, { host }) => {
  const config = join(folder, "nginx.conf");
  await writeFile(config, configuration(example, folder, host));
  return new Program(NGINX, ["-p", folder, "-e", "stderr", "-c", config]);
});

/** The example in a server that compresses, and what lets any user run it. */
function configuration(example: string, folder: string, host: string): string {
  const uses = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const places = uses.map((name) => `${name}_temp_path ${folder}/${name};`);
  return `daemon off;
pid ${folder}/pid;
error_log stderr;
events {}
http {
  access_log off;
  gzip on;
  gzip_types application/json;
  gzip_min_length 1;
  ${places.join("\n  ")}
  server {
    listen ${host};
${example}
  }
}
`;
}
