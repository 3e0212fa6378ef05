import { once } from "node:events";
import { unstable_DevEnv as DevEnv } from "wrangler";
import { paths } from "./paths.ts";
import { HOST } from "./port.ts";

/**
 * Does what `wrangler dev` does, in a process of its own, without two ports that the command always opens: a debugger
 * and a registry of servers. Both serve every user of the machine without a credential, and reach secrets and database.
 * Arguments: the port, the state directory, and the files of variables. Ends only after an error.
 */
const [port, stateDir, ...envFiles] = process.argv.slice(2);
// The input ends with npm start, even by `kill -9`. Nobody would hold the lock of the state directory any more.
process.stdin.on("end", () => process.exit()).resume();
process.stdin.unref();
const server = new DevEnv();
const ended = once(server, "teardown");
await server.startWorker({
  config: paths.wranglerConfig,
  entrypoint: paths.localWorker,
  envFiles,
  dev: {
    remote: false,
    server: { hostname: HOST, port: Number(port) },
    inspector: false,
    persist: stateDir,
    logLevel: "log",
  },
});
await ended;
